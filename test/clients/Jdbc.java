/* JDBC: setString gives varchar, setLong bigint, setObject of a UUID uuid. */
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

public class Jdbc
{
    static final String ANN = "person:acme,1", BEN = "person:acme,2";
    static Connection conn;

    record Entry(String object, String cursor) {}

    // example
    static ResultSet send(String actor, String verb, UUID post, long page) throws SQLException
    {
        PreparedStatement send = conn.prepareStatement(
            "SELECT * FROM actstream.act_send(?, ?, actstream.ref('post', ?), actstream.ref('page', ?))");
        send.setString(1, actor);
        send.setString(2, verb);
        send.setObject(3, post);
        send.setLong(4, page);
        return send.executeQuery();
    }

    static List<Entry> readPage(String reader, String before) throws SQLException
    {
        PreparedStatement page = conn.prepareStatement(
            "SELECT a.action_object, actstream.stream_cursor(a) AS cursor"
            + " FROM actstream.user_stream(?, before => ?) a LIMIT 2");
        page.setString(1, reader);
        page.setString(2, before);
        List<Entry> entries = new ArrayList<>();
        for (ResultSet row = page.executeQuery(); row.next(); )
            entries.add(new Entry(row.getString("action_object"), row.getString("cursor")));
        return entries;
    }
    // end

    static String objects(List<Entry> page)
    {
        return String.join(" ", page.stream().map(Entry::object).toList());
    }

    static Connection connect(String user) throws SQLException
    {
        return DriverManager.getConnection(String.format("jdbc:postgresql://127.0.0.1:%s/%s?user=%s",
            System.getenv("PGPORT"), System.getenv("PGDATABASE"), user));
    }

    // The rows of a query, whose parameters are strings or arrays of strings.
    static ResultSet query(Connection conn, String sql, Object... parameters) throws SQLException
    {
        PreparedStatement query = conn.prepareStatement(sql);
        for (int i = 0; i < parameters.length; i++)
        {
            if (parameters[i] instanceof String[] strings)
                query.setArray(i + 1, conn.createArrayOf("varchar", strings));
            else
                query.setString(i + 1, (String) parameters[i]);
        }
        ResultSet rows = query.executeQuery();
        rows.next();
        return rows;
    }

    static long count(String condition, Object... parameters) throws SQLException
    {
        return query(conn, "SELECT count(*) FROM actstream.actions WHERE " + condition, parameters).getLong(1);
    }

    public static void main(String[] arguments) throws SQLException
    {
        UUID[] posts = new UUID[3];
        String[] references = new String[3];
        for (int n = 1; n <= 3; n++)
        {
            posts[n - 1] = UUID.fromString("00000000-0000-4000-8000-00000000000" + n);
            references[n - 1] = "post:" + posts[n - 1];
        }

        System.out.println("register: " + query(connect("app"),
            "SELECT label FROM actstream.register(?, name_template => ?)", "post", "{title}").getString(1));

        conn = connect("acme");
        ResultSet sent = null;
        for (UUID post : posts)
            sent = send(BEN, "wrote", post, 1);
        sent.next();
        System.out.println("send: " + sent.getString("actor") + " " + sent.getString("verb") + " "
            + sent.getString("action_object") + " " + sent.getString("target"));

        ResultSet follow = query(conn, "SELECT follower, followee FROM actstream.follow(?, ?)", ANN, BEN);
        System.out.println("follow: " + follow.getString(1) + " " + follow.getString(2));

        List<Entry> page = readPage(ANN, null);
        System.out.println("page: " + objects(page));
        System.out.println("next page: " + objects(readPage(ANN, page.get(page.size() - 1).cursor())));

        ResultSet array = query(conn, "SELECT array_agg(action_object ORDER BY action_object)::text[]"
            + " FROM actstream.stream_of(?, ?)", references, new String[] { "action_object" });
        System.out.println("array: " + String.join(" ", (String[]) array.getArray(1).getArray()));

        ResultSet action = query(conn, "SELECT * FROM actstream.act_send(?, 'published', target => ?, data => ?::jsonb)",
            BEN, "page:2", "{\"lines\": 3}");
        System.out.println("action: " + action.getString("actor") + " " + action.getString("verb") + " " + action.getString("target")
            + " " + action.getString("data").replaceAll("\\D", "") + " " + action.getTimestamp("timestamp").after(new java.sql.Timestamp(0)));

        System.out.println("filter: " + count("actor = ?", BEN) + " " + count("actor IN (?, ?)", ANN, BEN) + " "
            + count("actor = ANY (?)", (Object) new String[] { ANN, BEN }));

        try
        {
            send("person:umbra,1", "wrote", posts[0], 1);
        }
        catch (SQLException error)
        {
            System.out.println("policy: " + count("actor = ?", "person:umbra,1") + " " + error.getSQLState());
        }
    }
}

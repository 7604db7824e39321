"""psycopg2: parameters are literals in the text of the query; a list is ARRAY['...'], of type text[]."""
from uuid import UUID

import psycopg2
import psycopg2.extras

ANN, BEN = "person:acme,1", "person:acme,2"
POSTS = [str(UUID(int=0x00000000000040008000000000000000 + n)) for n in (1, 2, 3)]

def query(conn, text, *parameters):
    with conn, conn.cursor(cursor_factory=psycopg2.extras.DictCursor) as cursor:
        cursor.execute(text, parameters)
        return cursor.fetchall()

owner = psycopg2.connect(user="app")
print("register:", *query(owner, "SELECT label FROM actstream.register(%s, name_template => %s)", "post", "{title}")[0])

conn = psycopg2.connect(user="acme")

# example
def send(actor, verb, post, page):
    return query(conn,
        "SELECT * FROM actstream.act_send(%s, %s, actstream.ref('post', %s), actstream.ref('page', %s))",
        actor, verb, post, page)[0]

def read_page(reader, before=None):
    return query(conn,
        "SELECT a.action_object, actstream.stream_cursor(a) AS cursor"
        " FROM actstream.user_stream(%s, before => %s) a LIMIT 2", reader, before)
# end

for post in POSTS:
    sent = send(BEN, "wrote", post, 1)
print("send:", sent["actor"], sent["verb"], sent["action_object"], sent["target"])

print("follow:", *query(conn, "SELECT follower, followee FROM actstream.follow(%s, %s)", ANN, BEN)[0])

page = read_page(ANN)
print("page:", *(row["action_object"] for row in page))
print("next page:", *(row["action_object"] for row in read_page(ANN, page[-1]["cursor"])))

objects, = query(conn,
    "SELECT array_agg(action_object ORDER BY action_object)::text[] FROM actstream.stream_of(%s, %s)",
    [f"post:{post}" for post in POSTS], ["action_object"])[0]
print("array:", *objects)

action = query(conn, "SELECT * FROM actstream.act_send(%s, 'published', target => %s, data => %s)",
               BEN, "page:2", psycopg2.extras.Json({"lines": 3}))[0]
print("action:", action["actor"], action["verb"], action["target"], action["data"]["lines"], action["timestamp"].year > 2000)

def count(condition, *parameters):
    return query(conn, "SELECT count(*) FROM actstream.actions WHERE " + condition, *parameters)[0][0]

print("filter:", count("actor = %s", BEN), count("actor IN %s", (ANN, BEN)), count("actor = ANY (%s)", [ANN, BEN]))

try:
    send("person:umbra,1", "wrote", POSTS[0], 1)
except psycopg2.Error as error:
    print("policy:", count("actor = %s", "person:umbra,1"), error.pgcode)

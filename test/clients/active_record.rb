# ActiveRecord: a class for the table; streams by find_by_sql.
require "active_record"
require "json"

ANN, BEN = "person:acme,1", "person:acme,2"
POSTS = (1..3).map { |n| format("00000000-0000-4000-8000-%012d", n) }

class Owner < ActiveRecord::Base
  self.abstract_class = true
end
Owner.establish_connection(adapter: "postgresql", username: "app", database: ENV["PGDATABASE"])
puts "register: " + Owner.connection.select_value("SELECT label FROM actstream.register('post', name_template => '{title}')")

ActiveRecord::Base.establish_connection(adapter: "postgresql", username: "acme", database: ENV["PGDATABASE"])

# example
class Action < ActiveRecord::Base
  self.table_name = "actstream.actions"
end

def read_page(reader, before = nil)
  Action.find_by_sql([<<~SQL, reader, before])
    SELECT a.*, actstream.stream_cursor(a) AS cursor
    FROM actstream.user_stream(?, before => ?) a LIMIT 2
  SQL
end
# end

sent = nil
POSTS.each do |post|
  sent, = Action.find_by_sql([<<~SQL, BEN, "wrote", post, 1])
    SELECT * FROM actstream.act_send(?, ?, actstream.ref('post', ?), actstream.ref('page', ?))
  SQL
end
puts ["send:", sent.actor, sent.verb, sent.action_object, sent.target].join(" ")

# parameters that the server binds, typed by their values
follow = ActiveRecord::Base.connection.exec_query("SELECT follower, followee FROM actstream.follow($1, $2)", "follow", [ANN, BEN])
puts "follow: " + follow.rows.first.join(" ")

page = read_page(ANN)
puts "page: " + page.map(&:action_object).join(" ")
puts "next page: " + read_page(ANN, page.last.cursor).map(&:action_object).join(" ")

objects = ActiveRecord::Base.connection.select_value(ActiveRecord::Base.sanitize_sql([<<~SQL, POSTS.map { |post| "post:#{post}" }]))
  SELECT to_jsonb(array_agg(action_object ORDER BY action_object)) FROM actstream.stream_of(ARRAY[?], '{action_object}')
SQL
puts "array: " + JSON.parse(objects).join(" ")

Action.create!(actor: BEN, verb: "published", target: "page:2", data: { lines: 3 }, timestamp: Time.now, public: true)
action = Action.find_by!(target: "page:2", verb: "published")
puts ["action:", action.actor, action.verb, action.target, action.data["lines"], action.timestamp.year > 2000].join(" ")

puts ["filter:", Action.where(actor: BEN).count, Action.where(actor: [ANN, BEN]).count,
      Action.where("actor = ANY (ARRAY[?])", [ANN, BEN]).count].join(" ")

begin
  Action.create!(actor: "person:umbra,1", verb: "wrote", timestamp: Time.now)
rescue ActiveRecord::StatementInvalid => error
  puts ["policy:", Action.where(actor: "person:umbra,1").count, error.cause.result.error_field(PG::PG_DIAG_SQLSTATE)].join(" ")
end

"""psycopg 3: parameters are bound by the server; str is of type unknown, int of the smallest that holds it."""
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

ANN, BEN = "person:acme,1", "person:acme,2"
POSTS = [UUID(int=0x00000000000040008000000000000000 + n) for n in (1, 2, 3)]

with psycopg.connect(user="app") as owner:
    label, = owner.execute(
        "SELECT label FROM actstream.register(%s, name_template => %s)", ("post", "{title}")).fetchone()
    print("register:", label)

conn = psycopg.connect(user="acme", autocommit=True)

# example
def send(actor, verb, post, page):
    return conn.execute(
        "SELECT * FROM actstream.act_send(%s, %s, actstream.ref('post', %s), actstream.ref('page', %s))",
        (actor, verb, post, page)).fetchone()

def read_page(reader, before=None):
    return conn.execute(
        "SELECT a.action_object, actstream.stream_cursor(a)"
        " FROM actstream.user_stream(%s, before => %s) a LIMIT 2", (reader, before)).fetchall()
# end

for post in POSTS:
    sent = send(BEN, "wrote", post, 1)
print("send:", sent[3], sent[4], sent[5], sent[6])

print("follow:", *conn.execute(
    "SELECT follower, followee FROM actstream.follow(%s, %s)", (ANN, BEN)).fetchone())

page = read_page(ANN)
print("page:", *(row[0] for row in page))
print("next page:", *(row[0] for row in read_page(ANN, page[-1][1])))

objects, = conn.execute(
    "SELECT array_agg(action_object ORDER BY action_object)::text[]"
    " FROM actstream.stream_of(%s, %s)", ([f"post:{post}" for post in POSTS], ["action_object"])).fetchone()
print("array:", *objects)

with conn.cursor(row_factory=psycopg.rows.dict_row) as cursor:
    action = cursor.execute(
        "SELECT * FROM actstream.act_send(%s, 'published', target => %s, data => %s)",
        (BEN, "page:2", Jsonb({"lines": 3}))).fetchone()
print("action:", action["actor"], action["verb"], action["target"], action["data"]["lines"], action["timestamp"].year > 2000)

def count(condition, *parameters):
    return conn.execute("SELECT count(*) FROM actstream.actions WHERE " + condition, parameters).fetchone()[0]

print("filter:", count("actor = %s", BEN), count("actor IN (%s, %s)", ANN, BEN), count("actor = ANY (%s)", [ANN, BEN]))

try:
    send("person:umbra,1", "wrote", POSTS[0], 1)
except psycopg.Error as error:
    print("policy:", count("actor = %s", "person:umbra,1"), error.sqlstate)

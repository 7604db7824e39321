"""SQLAlchemy: the table as a class; functions and streams are statements in text."""
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, Text, create_engine, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, declarative_base

ANN, BEN = "person:acme,1", "person:acme,2"
POSTS = [str(UUID(int=0x00000000000040008000000000000000 + n)) for n in (1, 2, 3)]

with create_engine("postgresql://app@").begin() as owner:
    print("register:", owner.execute(
        text("SELECT label FROM actstream.register(:table, name_template => :name)"),
        {"table": "post", "name": "{title}"}).scalar_one())

# example
class Action(declarative_base()):
    __tablename__ = "actions"
    __table_args__ = {"schema": "actstream"}
    id = Column(BigInteger, primary_key=True)
    timestamp = Column(DateTime(timezone=True), server_default=func.now())
    actor = Column(Text)
    verb = Column(Text)
    action_object = Column(Text)
    target = Column(Text)
    data = Column(JSONB)

def read_page(reader, before=None):
    return session.execute(text(
        "SELECT a.action_object, actstream.stream_cursor(a) AS cursor"
        " FROM actstream.user_stream(:reader, before => :before) a LIMIT 2"),
        {"reader": reader, "before": before}).all()
# end

session = Session(create_engine("postgresql://acme@"))

for post in POSTS:
    sent = session.execute(select(Action).from_statement(text(
        "SELECT * FROM actstream.act_send(:actor, :verb, actstream.ref('post', :post), actstream.ref('page', :page))")),
        {"actor": BEN, "verb": "wrote", "post": post, "page": 1}).scalar_one()
session.commit()
print("send:", sent.actor, sent.verb, sent.action_object, sent.target)

print("follow:", *session.execute(
    text("SELECT follower, followee FROM actstream.follow(:follower, :followee)"), {"follower": ANN, "followee": BEN}).one())
session.commit()

page = read_page(ANN)
print("page:", *(row.action_object for row in page))
print("next page:", *(row.action_object for row in read_page(ANN, page[-1].cursor)))

print("array:", *session.execute(text(
    "SELECT array_agg(action_object ORDER BY action_object)::text[] FROM actstream.stream_of(:objects, :roles)"),
    {"objects": [f"post:{post}" for post in POSTS], "roles": ["action_object"]}).scalar_one())

session.add(Action(actor=BEN, verb="published", target="page:2", data={"lines": 3}))
session.commit()
action = session.execute(select(Action).where(Action.target == "page:2", Action.verb == "published")).scalar_one()
print("action:", action.actor, action.verb, action.target, action.data["lines"], action.timestamp.year > 2000)

def count(condition):
    return session.execute(select(func.count()).select_from(Action).where(condition)).scalar_one()

print("filter:", count(Action.actor == BEN), count(Action.actor.in_([ANN, BEN])), count(Action.actor == func.any([ANN, BEN])))
session.commit()

try:
    session.add(Action(actor="person:umbra,1", verb="wrote"))
    session.commit()
except DBAPIError as error:
    session.rollback()
    print("policy:", count(Action.actor == "person:umbra,1"), error.orig.pgcode)

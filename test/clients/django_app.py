"""Django: a model of the table, which the extension manages; streams are raw queries."""
import os
from uuid import UUID

import django
from django.conf import settings
from django.db import connection, connections, models
from django.db.utils import Error
from django.utils import timezone

def database(user):
    return {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"], "USER": user,
            "HOST": os.environ["PGHOST"], "PORT": os.environ["PGPORT"]}

settings.configure(DATABASES={"default": database("acme"), "owner": database("app")}, USE_TZ=True)
django.setup()

ANN, BEN = "person:acme,1", "person:acme,2"
POSTS = [UUID(int=0x00000000000040008000000000000000 + n) for n in (1, 2, 3)]

with connections["owner"].cursor() as cursor:
    cursor.execute("SELECT label FROM actstream.register(%s, name_template => %s)", ("post", "{title}"))
    print("register:", *cursor.fetchone())

# example
class Action(models.Model):
    id = models.BigAutoField(primary_key=True)
    timestamp = models.DateTimeField(default=timezone.now)
    public = models.BooleanField(default=True)
    actor = models.TextField()
    verb = models.TextField()
    action_object = models.TextField(null=True)
    target = models.TextField(null=True)
    data = models.JSONField(null=True)

    class Meta:
        app_label = "shop"
        managed = False
        db_table = 'actstream"."actions'

def read_page(reader, before=None):
    return list(Action.objects.raw(
        "SELECT a.*, actstream.stream_cursor(a) AS cursor"
        " FROM actstream.user_stream(%s, before => %s) a LIMIT 2", (reader, before)))
# end

for post in POSTS:
    sent, = Action.objects.raw(
        "SELECT * FROM actstream.act_send(%s, %s, actstream.ref('post', %s), actstream.ref('page', %s))",
        (BEN, "wrote", post, 1))
print("send:", sent.actor, sent.verb, sent.action_object, sent.target)

with connection.cursor() as cursor:
    cursor.execute("SELECT follower, followee FROM actstream.follow(%s, %s)", (ANN, BEN))
    print("follow:", *cursor.fetchone())

page = read_page(ANN)
print("page:", *(action.action_object for action in page))
print("next page:", *(action.action_object for action in read_page(ANN, page[-1].cursor)))

with connection.cursor() as cursor:
    cursor.execute("SELECT array_agg(action_object ORDER BY action_object)::text[] FROM actstream.stream_of(%s, %s)",
                   ([f"post:{post}" for post in POSTS], ["action_object"]))
    print("array:", *cursor.fetchone()[0])

Action.objects.create(actor=BEN, verb="published", target="page:2", data={"lines": 3})
action = Action.objects.get(target="page:2", verb="published")
print("action:", action.actor, action.verb, action.target, action.data["lines"], action.timestamp.year > 2000)

print("filter:", Action.objects.filter(actor=BEN).count(), Action.objects.filter(actor__in=[ANN, BEN]).count(),
      Action.objects.extra(where=["actor = ANY (%s)"], params=[[ANN, BEN]]).count())

try:
    Action.objects.create(actor="person:umbra,1", verb="wrote")
except Error as error:
    # of psycopg 3, which newer versions use, or of psycopg2
    code = getattr(error.__cause__, "sqlstate", None) or error.__cause__.pgcode
    print("policy:", Action.objects.filter(actor="person:umbra,1").count(), code)

-- Sends an action every three seconds until it is interrupted: what somebody whom a reader
-- follows has done, once more.
SELECT actstream.sentence(sent)
FROM (SELECT a.*
      FROM reader r, LATERAL (SELECT * FROM actstream.user_stream(actstream.ref_of(r)) LIMIT 100) a
      ORDER BY random() LIMIT 1) a,
     actstream.act_send(a.actor, a.verb, a.action_object, a.target) sent
\watch 3

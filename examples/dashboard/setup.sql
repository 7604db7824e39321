-- What the dashboard needs of the demonstration's database, as the owner of the tables.

SELECT actstream.record_changes(true) \g /dev/null

CREATE ROLE dashboard LOGIN;
GRANT USAGE ON SCHEMA actstream TO dashboard;
-- to read streams, their changes and notifications, and the names of what is in them
GRANT SELECT ON actstream.actions, actstream.changes, actstream.follows, actstream.mutes, actstream.marks, actstream.mark_exceptions,
                maintainer, package, release, bug, reader TO dashboard;
-- to follow, which sends an action, to mute and to mark
GRANT INSERT ON actstream.actions TO dashboard;
GRANT INSERT, UPDATE, DELETE ON actstream.follows, actstream.mutes, actstream.marks, actstream.mark_exceptions TO dashboard;

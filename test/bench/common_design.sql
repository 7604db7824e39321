-- The common relational design of activity streams: an object is the number of a
-- content type and an id in text, and each column has an index of its own, those
-- in text a second one for LIKE.

CREATE SCHEMA common_design;

CREATE TABLE common_design.account (
    id   int PRIMARY KEY,
    name text NOT NULL
);

CREATE TABLE common_design.content_type (
    id    int PRIMARY KEY,
    label text NOT NULL UNIQUE
);
INSERT INTO common_design.content_type VALUES (1, 'user'), (2, 'repo'), (3, 'comment');

CREATE TABLE common_design.action (
    id                 serial PRIMARY KEY,
    actor_type         int NOT NULL REFERENCES common_design.content_type DEFERRABLE INITIALLY DEFERRED,
    actor_id           varchar(255) NOT NULL,
    verb               varchar(255) NOT NULL,
    description        text,
    target_type        int REFERENCES common_design.content_type DEFERRABLE INITIALLY DEFERRED,
    target_id          varchar(255),
    action_object_type int REFERENCES common_design.content_type DEFERRABLE INITIALLY DEFERRED,
    action_object_id   varchar(255),
    "timestamp"        timestamptz NOT NULL,
    public             boolean NOT NULL
);

CREATE INDEX ON common_design.action (actor_type);
CREATE INDEX ON common_design.action (actor_id);
CREATE INDEX ON common_design.action (actor_id varchar_pattern_ops);
CREATE INDEX ON common_design.action (verb);
CREATE INDEX ON common_design.action (verb varchar_pattern_ops);
CREATE INDEX ON common_design.action (target_type);
CREATE INDEX ON common_design.action (target_id);
CREATE INDEX ON common_design.action (target_id varchar_pattern_ops);
CREATE INDEX ON common_design.action (action_object_type);
CREATE INDEX ON common_design.action (action_object_id);
CREATE INDEX ON common_design.action (action_object_id varchar_pattern_ops);
CREATE INDEX ON common_design.action ("timestamp");
CREATE INDEX ON common_design.action (public);

CREATE TABLE common_design.follow (
    id          serial PRIMARY KEY,
    follower    int NOT NULL REFERENCES common_design.account DEFERRABLE INITIALLY DEFERRED,
    object_type int NOT NULL REFERENCES common_design.content_type DEFERRABLE INITIALLY DEFERRED,
    object_id   varchar(255) NOT NULL,
    actor_only  boolean NOT NULL,
    flag        varchar(255) NOT NULL,
    started     timestamptz NOT NULL,
    UNIQUE (follower, object_type, object_id, flag)
);

CREATE INDEX ON common_design.follow (follower);
CREATE INDEX ON common_design.follow (object_type);
CREATE INDEX ON common_design.follow (object_id);
CREATE INDEX ON common_design.follow (object_id varchar_pattern_ops);
CREATE INDEX ON common_design.follow (flag);
CREATE INDEX ON common_design.follow (flag varchar_pattern_ops);
CREATE INDEX ON common_design.follow (started);

/*
 * feed_vocabulary.c
 *		The words of feed formats for our verbs and labels.
 *
 * Only words with the same meaning are listed.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/uri.h"
#include "feed/feed_vocabulary.h"

#include "lib/stringinfo.h"

typedef struct Word
{
	const char *own;			/* a verb, or the label of a type */
	const char *streams1;		/* in Activity Streams 1.0, NULL if unknown */
	const char *streams2;		/* in Activity Streams 2.0, NULL if unknown */
} Word;

static const Word verbs[] = {
	{"accepted", "accept", "Accept"},
	{"added", "add", "Add"},
	{"announced", NULL, "Announce"},
	{"arrived", NULL, "Arrive"},
	{"blocked", NULL, "Block"},
	{"created", "create", "Create"},
	{"deleted", "delete", "Delete"},
	{"disliked", "dislike", "Dislike"},
	{"favorited", "favorite", NULL},
	{"flagged", "flag-as-inappropriate", "Flag"},
	{"followed", "follow", "Follow"},
	{"ignored", "ignore", "Ignore"},
	{"invited", "invite", "Invite"},
	{"joined", "join", "Join"},
	{"left", "leave", "Leave"},
	{"liked", "like", "Like"},
	{"listened to", "listen", "Listen"},
	{"moved", NULL, "Move"},
	{"offered", "offer", "Offer"},
	{"posted", "post", "Create"},
	{"read", "read", "Read"},
	{"rejected", "reject", "Reject"},
	{"removed", "remove", "Remove"},
	{"shared", "share", "Announce"},
	{"started following", "follow", "Follow"},
	{"stopped following", "stop-following", NULL},
	{"tagged", "tag", NULL},
	{"travelled", NULL, "Travel"},
	{"updated", "update", "Update"},
	{"viewed", NULL, "View"},
};

static const Word types[] = {
	{"app", "application", "Application"},
	{"application", "application", "Application"},
	{"article", "article", "Article"},
	{"audio", "audio", "Audio"},
	{"bot", NULL, "Service"},
	{"comment", "comment", "Note"},
	{"document", NULL, "Document"},
	{"event", "event", "Event"},
	{"group", "group", "Group"},
	{"image", "image", "Image"},
	{"note", "note", "Note"},
	{"organization", "organization", "Organization"},
	{"page", "page", "Page"},
	{"person", "person", "Person"},
	{"photo", "image", "Image"},
	{"place", "place", "Place"},
	{"post", "article", "Article"},
	{"team", "group", "Group"},
	{"user", "person", "Person"},
	{"video", "video", "Video"},
};

static const Word *
find_word(const Word *words, int nwords, const char *own)
{
	for (int i = 0; i < nwords; i++)
	{
		if (strcmp(words[i].own, own) == 0)
			return &words[i];
	}
	return NULL;
}

/*
 * FeedVerb1
 *		The verb in Activity Streams 1.0.  It must be a single segment of a URI, so a
 *		verb that is not in the vocabulary is percent-encoded.
 */
char *
FeedVerb1(const char *verb)
{
	const Word *word = find_word(verbs, lengthof(verbs), verb);
	StringInfoData encoded;

	if (word != NULL && word->streams1 != NULL)
		return pstrdup(word->streams1);
	initStringInfo(&encoded);
	UriAppendValue(&encoded, verb);
	return encoded.data;
}

/*
 * FeedVerb2
 *		The type of activity in Activity Streams 2.0, or NULL.
 */
const char *
FeedVerb2(const char *verb)
{
	const Word *word = find_word(verbs, lengthof(verbs), verb);

	return word != NULL ? word->streams2 : NULL;
}

/*
 * FeedType1
 *		The type of an object in Activity Streams 1.0: its label, unless the vocabulary
 *		has a word for that.  All characters of a label are valid there.
 */
const char *
FeedType1(const char *label)
{
	const Word *word = find_word(types, lengthof(types), label);

	return word != NULL && word->streams1 != NULL ? word->streams1 : label;
}

/*
 * FeedType2
 *		The type of an object in Activity Streams 2.0, or NULL.
 */
const char *
FeedType2(const char *label)
{
	const Word *word = find_word(types, lengthof(types), label);

	return word != NULL ? word->streams2 : NULL;
}

/*
 * FeedActorType2
 *		The type of an actor in Activity Streams 2.0: one of the five types that
 *		readers expect of an actor, "Service" if the label means none of them.
 */
const char *
FeedActorType2(const char *label)
{
	static const char *const actors[] = {
		"Application", "Group", "Organization", "Person", "Service"
	};
	const char *type = FeedType2(label);

	for (int i = 0; i < (int) lengthof(actors); i++)
	{
		if (type != NULL && strcmp(type, actors[i]) == 0)
			return type;
	}
	return "Service";
}

# Reads a feed with feedparser from standard input, and prints what is in it.
import json
import sys

import feedparser

feedparser.USER_AGENT = 'test'
feed = feedparser.parse(sys.stdin.buffer.read(), sanitize_html=False,
                        response_headers={'content-type': 'application/xml; charset=utf-8'})
print(json.dumps({
    'bozo': repr(feed.get('bozo_exception')) if feed.bozo else '',
    'version': feed.version,
    'feed': {key: feed.feed.get(key) for key in ('id', 'title', 'link', 'updated', 'subtitle')},
    'links': [[link.rel, link.href] for link in feed.feed.links],
    'entries': [{
        'id': entry.id, 'title': entry.title, 'link': entry.link, 'author': entry.get('author'),
        'published': list(entry.published_parsed[:6]), 'content': entry.get('summary'),
    } for entry in feed.entries],
}))

"""A bot written for X moves to Warble by changing its base URL.

Does with the official SDK what bots do; the first thing that is wrong ends it.
signin.py knows where the server is and how to get in, shapes.py checks every
answer's shape.
"""

import base64
import struct
import time
import zlib

import requests
from xdk import Client
from xdk.lists import models as lists
from xdk.media import models as media
from xdk.paginator import cursor
from xdk.posts import models as posts
from xdk.streaming import StreamConfig
from xdk.users import models as users

import shapes
from signin import GIVEN, IDS, URL, oauth, plain, program, revoke

POSTS = tuple(int(n) for n in GIVEN["version"].split(".")) >= (0, 10)  # newer SDKs say post
if POSTS:
    from xdk import schemas
else:
    schemas = None  # 0.9.0 has no models of what goes wrong

EVERY_USER = (
    "created_at description entities location profile_image_url profile_banner_url protected public_metrics url "
    "verified verified_type connection_status withheld"
).split() + ["pinned_post_id" if POSTS else "pinned_tweet_id"]
EVERY_POST = (
    "attachments author_id context_annotations conversation_id created_at edit_controls entities geo in_reply_to_user_id "
    "lang possibly_sensitive public_metrics reply_settings source withheld"
).split() + (["referenced_posts", "edit_history_post_ids"] if POSTS else ["referenced_tweets", "edit_history_tweet_ids"])
EVERY_MEDIA = "alt_text duration_ms height width url preview_image_url type media_key variants".split()
REF = "referenced_posts" if POSTS else "referenced_tweets"
INCLUDED = "posts" if POSTS else "tweets"
REPOSTS = "repost_count" if POSTS else "retweet_count"
HISTORY = "edit_history_post_ids" if POSTS else "edit_history_tweet_ids"
COUNT = "post_count" if POSTS else "tweet_count"
EXPANSIONS = ["author_id", "attachments.media_keys", "attachments.poll_ids", "in_reply_to_user_id", "entities.mentions.username"] + (
    ["referenced_posts", "referenced_posts.author_id"] if POSTS else ["referenced_tweets.id", "referenced_tweets.id.author_id"]
)


def fields(**more):
    """Everything a page of posts can bring."""
    return {
        "post_fields" if POSTS else "tweet_fields": EVERY_POST, "user_fields": EVERY_USER, "media_fields": EVERY_MEDIA,
        "poll_fields": ["duration_minutes", "end_datetime", "voting_status"], "expansions": EXPANSIONS, **more,
    }


def first(pages):
    """The first page of what the SDK pages through by itself."""
    return plain(next(pages))


def ids(answer):
    return [d["id"] for d in answer.get("data", [])]


def eventually(what, is_so):
    """Waits for what happens behind an answer: indexing, counting, fan-out."""
    end = time.monotonic() + 10
    while True:
        got = is_so()
        if got:
            return got
        assert time.monotonic() < end, f"not within 10 s: {what}"
        time.sleep(0.02)


# --- Photos and posts -------------------------------------------------------------------------------------------------


def png(width, height, noise=1):
    """A picture; different noise makes different bytes."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            rows += bytes(((x * 5 * noise) % 256, (y * 7) % 256, (x * y * noise) % 256))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(rows), 1)) + chunk(b"IEND", b"")


def upload_json(client):
    body = media.UploadRequest(media=base64.b64encode(png(64, 48)).decode(), media_category="tweet_image")
    return plain(client.media.upload(body))["data"]


def upload_multipart(client):
    """What the SDK does not do, but curl and other clients of X."""
    answer = requests.post(
        f"{URL}/2/media/upload", headers={"Authorization": "Bearer " + client.access_token},
        files={"media": ("a.png", png(80, 60, 2), "image/png")}, data={"media_category": "tweet_image"},
    )
    assert answer.status_code == 200, answer.text
    return plain(media.UploadResponse.model_validate(answer.json()))["data"]


def upload_chunks(client):
    data = png(300, 200, 3)
    begun = plain(client.media.initialize_upload(media.InitializeUploadRequest(media_type="image/png", total_bytes=len(data), media_category="tweet_image")))
    upload, size = begun["data"]["id"], len(data) // 3 + 1
    assert plain(client.media.get_upload_status(upload))["data"]["processing_info"]["state"] == "pending"
    for n in range(3):
        part = base64.b64encode(data[n * size : (n + 1) * size]).decode()
        assert plain(client.media.append_upload(upload, {"media": part, "segment_index": n}))["data"]["expires_at"] > time.time()
    done = plain(client.media.finalize_upload(upload))["data"]
    assert done["id"] == upload and done["size"] == len(data), done
    assert plain(client.media.get_upload_status(upload, command="STATUS"))["data"]["processing_info"]["state"] == "succeeded"
    return done


def post_photos(ann):
    """Three photos, each uploaded in its own way, with alt text and a place."""
    photos = [upload_json(ann), upload_multipart(ann), upload_chunks(ann)]
    for n, p in enumerate(photos):
        assert p["media_key"] == "3_" + p["id"], p
        meta = media.CreateMetadataRequest.model_validate({"id": p["id"], "metadata": {"alt_text": {"text": f"a pattern, number {n}"}}})
        assert plain(ann.media.create_metadata(meta))["data"]["id"] == p["id"]
    made = plain(ann.posts.create({
        "text": "Three patterns for @bob #sdkphotos https://example.org/a",
        "media": {"media_ids": [p["id"] for p in photos]},
        "geo": {"place_id": "my-boston", "name": "Boston", "coordinates": {"type": "Point", "coordinates": [-71.06, 42.36]}},
    }))["data"]
    got = plain(ann.posts.get_by_id(made["id"], **fields(place_fields=["full_name", "geo"])))
    post = got["data"]
    assert post["text"] == made["text"] and post["author_id"] == IDS["ann"] and post[HISTORY] == [made["id"]], post
    assert post["geo"]["place_id"] == "my-boston" and post["geo"]["coordinates"]["coordinates"] == [-71.06, 42.36], post
    assert [t["tag"] for t in post["entities"]["hashtags"]] == ["sdkphotos"], post
    assert post["entities"]["mentions"][0]["id"] == IDS["bob"], post
    assert post["attachments"]["media_keys"] == [p["media_key"] for p in photos], post
    assert {u["username"] for u in got["includes"]["users"]} == {"ann", "bob"}, got
    shown = got["includes"]["media"]
    assert [m["alt_text"] for m in shown] == [f"a pattern, number {n}" for n in range(3)], shown
    assert [(m["width"], m["height"]) for m in shown] == [(64, 48), (80, 60), (300, 200)], shown
    for m in shown:
        for url in (m["url"], m["preview_image_url"]):
            photo = requests.get(url)
            assert photo.status_code == 200 and photo.headers["Content-Type"].startswith("image/") and photo.content, url
    shapes.refused(lambda: ann.media.upload(media.UploadRequest(media="bm90IGEgcGhvdG8=", media_category="tweet_image")), 400, "invalid-request", "media", schemas)
    return made["id"]


def converse(ann, bob, root):
    """A reply, a quote, a poll, and what is refused."""
    reply = plain(bob.posts.create(posts.CreateRequest(text="@ann nice", reply={"in_reply_to_tweet_id": root})))["data"]["id"]
    quote = plain(bob.posts.create(posts.CreateRequest(text="look at this", quote_tweet_id=root)))["data"]["id"]
    poll = plain(ann.posts.create(posts.CreateRequest(text="Which?", poll={"options": ["this", "that"], "duration_minutes": 60})))["data"]["id"]
    got = plain(ann.posts.get_by_ids([reply, quote, poll], **fields()))
    assert ids(got) == [reply, quote, poll], got
    answered, quoting, asking = got["data"]
    assert answered["in_reply_to_user_id"] == IDS["ann"] and answered["conversation_id"] == root, answered
    assert answered[REF] == [{"type": "replied_to", "id": root}] and quoting[REF] == [{"type": "quoted", "id": root}], got
    assert root in [p["id"] for p in got["includes"][INCLUDED]], got
    assert [o["label"] for o in got["includes"]["polls"][0]["options"]] == ["this", "that"] and asking["attachments"]["poll_ids"], got
    eventually("the quote is listed", lambda: ids(first(ann.posts.get_quoted(root, max_results=10, **fields()))) == [quote])
    eventually("bob's mention arrives", lambda: reply in ids(first(ann.users.get_mentions(IDS["ann"], max_results=10, **fields()))))

    some = plain(ann.posts.get_by_ids([root, "12345"]))
    assert ids(some) == [root] and some["errors"][0]["resource_id"] == "12345" and some["errors"][0]["type"].endswith("resource-not-found"), some
    shapes.refused(lambda: ann.posts.get_by_id("12345"), 404, "resource-not-found")
    shapes.refused(lambda: ann.posts.create(posts.CreateRequest(text="x" * 281)), 400, "invalid-request", "text", schemas)
    shapes.refused(lambda: ann.posts.delete(reply), 403)
    shapes.refused(lambda: ann.users.like_post(IDS["bob"], users.LikePostRequest(tweet_id=root)), 403)
    shapes.refused(Client(base_url=URL, access_token="nonsense").users.get_me, 401)
    return reply, quote


def engage(ann, bob, root):
    like, me = users.LikePostRequest(tweet_id=root), IDS["bob"]
    for _ in range(2):
        assert plain(bob.users.like_post(me, like))["data"]["liked"] is True
    assert plain(bob.users.create_bookmark(me, users.CreateBookmarkRequest(tweet_id=root)))["data"]["bookmarked"] is True
    again = [plain(bob.users.repost_post(me, users.RepostPostRequest(tweet_id=root)))["data"] for _ in range(2)]
    assert again[0]["retweeted"] is True and again[0] == again[1], again

    def counted(n):
        m = plain(ann.posts.get_by_id(root, **fields()))["data"]["public_metrics"]
        return (m["like_count"], m[REPOSTS], m["bookmark_count"]) == (n, n, n)

    eventually("all is counted", lambda: counted(1))
    assert ids(first(ann.posts.get_liking_users(root, max_results=10, user_fields=EVERY_USER))) == [IDS["bob"]]
    assert ids(first(ann.posts.get_reposted_by(root, max_results=10, user_fields=EVERY_USER))) == [IDS["bob"]]
    assert ids(first(bob.users.get_liked_posts(me, max_results=10, **fields()))) == [root]
    assert ids(first(bob.users.get_bookmarks(me, max_results=10, **fields()))) == [root]
    own = first(bob.users.get_posts(me, max_results=10, **fields()))
    assert own["data"][0][REF] == [{"type": "retweeted", "id": root}] and own["data"][0]["text"].startswith("RT @ann: "), own
    assert not any(p["text"].startswith("RT ") for p in first(bob.users.get_posts(me, max_results=10, exclude=["retweets"]))["data"])

    assert plain(bob.users.unlike_post(me, root))["data"]["liked"] is False
    assert plain(bob.users.delete_bookmark(me, root))["data"]["bookmarked"] is False
    assert plain(bob.users.unrepost_post(me, root))["data"]["retweeted"] is False
    eventually("taking back is counted", lambda: counted(0))


# --- People -----------------------------------------------------------------------------------------------------------


def people(ann, bob, carl, root):
    me = plain(ann.users.get_me(user_fields=EVERY_USER))["data"]
    assert me["id"] == IDS["ann"] and me["name"] == "ANN" and me["verified"] is False and me["public_metrics"][COUNT] >= 0, me
    pinned = requests.patch(f"{URL}/2/users/me", json={"pinned_tweet_id": root, "description": "I like #patterns", "url": "https://example.org", "location": "Boston"},
                            headers={"Authorization": "Bearer " + ann.access_token})
    assert pinned.status_code == 200, pinned.text
    got = plain(bob.users.get_by_username("Ann", user_fields=EVERY_USER, expansions=["pinned_post_id" if POSTS else "pinned_tweet_id"]))
    assert got["includes"][INCLUDED][0]["id"] == root and got["data"]["location"] == "Boston", got
    assert got["data"]["entities"]["description"]["hashtags"][0]["tag"] == "patterns", got
    assert plain(bob.users.get_by_id(IDS["ann"]))["data"] == {"id": IDS["ann"], "name": "ANN", "username": "ann"}
    assert ids(plain(bob.users.get_by_ids([IDS["carl"], IDS["ann"]], user_fields=EVERY_USER))) == [IDS["carl"], IDS["ann"]]
    both = plain(bob.users.get_by_usernames(["bob", "nobody"]))
    assert ids(both) == [IDS["bob"]] and both["errors"][0]["value"] == "nobody", both
    eventually("ann is found by name", lambda: IDS["ann"] in ids(first(bob.users.search("ann", max_results=10, user_fields=EVERY_USER))))
    shapes.refused(lambda: bob.users.get_by_username("nobody"), 404, "resource-not-found")

    for one in (ann, carl):
        follow = plain(one.users.follow_user(plain(one.users.get_me())["data"]["id"], users.FollowUserRequest(target_user_id=IDS["bob"])))["data"]
        assert follow == {"following": True, "pending_follow": False}, follow
    assert ids(first(ann.users.get_following(IDS["ann"], max_results=10, user_fields=EVERY_USER))) == [IDS["bob"]]
    pages = list(cursor(bob.users.get_followers, IDS["bob"], max_results=1, user_fields=EVERY_USER).pages())
    assert [u for p in pages for u in ids(plain(p))] == [IDS["carl"], IDS["ann"]], pages
    status = plain(ann.users.get_by_id(IDS["bob"], user_fields=["connection_status"]))["data"]["connection_status"]
    assert status == ["following"], status

    assert plain(ann.users.mute_user(IDS["ann"], users.MuteUserRequest(target_user_id=IDS["carl"])))["data"]["muting"] is True
    assert ids(first(ann.users.get_muting(IDS["ann"], max_results=10))) == [IDS["carl"]]
    assert plain(ann.users.unmute_user(IDS["ann"], IDS["carl"]))["data"]["muting"] is False
    assert first(ann.users.get_muting(IDS["ann"], max_results=10))["meta"]["result_count"] == 0
    block, auth = f"{URL}/2/users/{IDS['carl']}/blocking", {"Authorization": "Bearer " + carl.access_token}  # the SDK only lists
    assert requests.post(block, json={"target_user_id": IDS["ann"]}, headers=auth).json() == {"data": {"blocking": True}}
    assert ids(first(carl.users.get_blocking(IDS["carl"], max_results=10))) == [IDS["ann"]]
    shapes.refused(lambda: ann.users.follow_user(IDS["ann"], users.FollowUserRequest(target_user_id=IDS["carl"])), 403)
    assert requests.delete(f"{block}/{IDS['ann']}", headers=auth).json() == {"data": {"blocking": False}}
    assert plain(carl.users.unfollow_user(IDS["carl"], IDS["bob"]))["data"]["following"] is False


def keep_lists(ann, bob):
    every = "created_at description follower_count member_count owner_id private".split()
    made = plain(ann.lists.create(lists.CreateRequest(name="Patterns", description="who makes them")))["data"]
    assert plain(ann.lists.add_member(made["id"], lists.AddMemberRequest(user_id=IDS["bob"])))["data"]["is_member"] is True
    assert plain(ann.lists.update(made["id"], lists.UpdateRequest(name="Good patterns")))["data"]["updated"] is True

    def read():
        if POSTS:
            return plain(bob.lists.get_by_id(made["id"], list_fields=every, expansions=["owner_id"], user_fields=EVERY_USER))
        # 0.9.0 takes X's List for Python's, and so refuses X's own answer.
        asked = {"list.fields": ",".join(every), "expansions": "owner_id"}
        got = requests.get(f"{URL}/2/lists/{made['id']}", asked, headers={"Authorization": "Bearer " + bob.access_token}).json()
        shapes.check(lists.GetByIdResponseData, got["data"])
        return got

    got = eventually("the member is counted", lambda: (r := read())["data"]["member_count"] == 1 and r)
    assert got["data"]["name"] == "Good patterns" and got["includes"]["users"][0]["id"] == IDS["ann"], got
    assert ids(first(ann.lists.get_members(made["id"], max_results=10, user_fields=EVERY_USER))) == [IDS["bob"]]
    eventually("bob's posts are on the list", lambda: len(ids(first(ann.lists.get_posts(made["id"], max_results=10, **fields())))) >= 2)
    assert plain(bob.users.follow_list(IDS["bob"], {"list_id": made["id"]}))["data"]["following"] is True
    assert ids(first(ann.lists.get_followers(made["id"], max_results=10))) == [IDS["bob"]]
    assert plain(ann.users.pin_list(IDS["ann"], {"list_id": made["id"]}))["data"]["pinned"] is True
    for page in (
        first(ann.users.get_owned_lists(IDS["ann"], max_results=10, list_fields=every)),
        first(bob.users.get_followed_lists(IDS["bob"], max_results=10, list_fields=every)),
        first(bob.users.get_list_memberships(IDS["bob"], max_results=10, list_fields=every)),
        plain(ann.users.get_pinned_lists(IDS["ann"], list_fields=every, expansions=["owner_id"])),
    ):
        assert ids(page) == [made["id"]], page
    assert plain(ann.users.unpin_list(IDS["ann"], made["id"]))["data"]["pinned"] is False
    assert plain(bob.users.unfollow_list(IDS["bob"], made["id"]))["data"]["following"] is False
    assert plain(ann.lists.remove_member_by_user_id(made["id"], IDS["bob"]))["data"]["is_member"] is False
    assert plain(ann.lists.delete(made["id"]))["data"]["deleted"] is True
    shapes.refused(lambda: ann.lists.get_by_id(made["id"]), 404, "resource-not-found")


# --- Timelines, search, the stream ------------------------------------------------------------------------------------


def walk(ann, bob):
    """The SDK's own iterators give everything once, newest first."""
    want = [plain(bob.posts.create(posts.CreateRequest(text=f"walkabout number {n} #walk")))["data"]["id"] for n in range(23)][::-1]
    home = eventually("the home timeline has them", lambda: (r := first(ann.users.get_timeline(IDS["ann"], max_results=5, **fields()))) and ids(r) == want[:5] and r)
    assert home["meta"]["newest_id"] == want[0] and home["meta"]["oldest_id"] == want[4] and home["meta"]["result_count"] == 5, home["meta"]
    assert [u["username"] for u in home["includes"]["users"]] == ["bob"], home
    since = {"max_results": 5, "since_id": str(int(want[-1]) - 1)}

    def all_of(pages):
        return [i for p in pages for i in ids(plain(p))]

    assert all_of(ann.users.get_timeline(IDS["ann"], **since)) == want, "the SDK's generator over home"
    assert all_of(cursor(ann.users.get_timeline, IDS["ann"], **since).pages()) == want, "Cursor.pages over home"
    items = [i["id"] if isinstance(i, dict) else i.id for i in cursor(ann.users.get_timeline, IDS["ann"], **since).items(12)]
    assert items == want[:12], "Cursor.items over home"
    assert all_of(bob.users.get_posts(IDS["bob"], **since)) == want, "the SDK's generator over a profile"
    assert all_of(ann.users.get_timeline(IDS["ann"], exclude=["replies", "retweets"], until_id=want[10], **since)) == want[11:], "bounds"

    query = "walkabout #walk from:bob -is:retweet"
    eventually("search has them", lambda: all_of(ann.posts.search_recent(query, max_results=10)) == want)
    found = first(ann.posts.search_recent(query, max_results=10, sort_order="recency", **fields()))
    assert ids(found) == want[:10] and found["meta"]["newest_id"] == want[0] and found["meta"]["next_token"], found["meta"]
    assert all_of(cursor(program().posts.search_all, query, max_results=10).pages()) == want
    assert first(ann.posts.search_recent("nothingsaysthis", max_results=10))["meta"]["result_count"] == 0
    for step in ("hour", "day"):
        counts = first(program().posts.get_counts_recent(query, granularity=step))
        total = counts["meta"]["total_post_count" if POSTS else "total_tweet_count"]
        assert total == 23 == sum(c[COUNT] for c in counts["data"]), counts
    shapes.refused(lambda: ann.posts.search_recent("x" * 513), 400, "invalid-request", "query", schemas)
    shapes.refused(lambda: ann.users.get_timeline(IDS["ann"], max_results=1000), 400, "invalid-request", "max_results", schemas)
    return want[0]


def stream(bob):
    """The post that is made once the stream stands is the first that comes."""
    posted, failed = [], []
    config = StreamConfig(
        max_retries=0, timeout=20, on_error=failed.append,
        on_connect=lambda: posted.append(plain(bob.posts.create(posts.CreateRequest(text="live")))["data"]["id"]),
    )
    reader = Client(base_url=URL, bearer_token=bob.access_token)
    asked = fields()
    if POSTS:  # 0.10.6 has kept the older word here
        asked["tweet_fields"] = ["created_at", "author_id"]
        del asked["post_fields"]
        asked["expansions"] = ["author_id"]
    for item in reader.stream.posts_sample(stream_config=config, **asked):
        got = plain(item)
        assert got["data"]["id"] == posted[0] and got["includes"]["users"][0]["username"] == "bob", (got, failed)
        return
    raise AssertionError(f"the stream ended: {failed}")


# --- Both words -------------------------------------------------------------------------------------------------------

WORDS = {
    "edit_history_tweet_ids": "edit_history_post_ids", "referenced_tweets": "referenced_posts", "tweets": "posts",
    "retweet_count": "repost_count", "pinned_tweet_id": "pinned_post_id", "tweet_count": "post_count",
}


def renamed(value):
    if isinstance(value, list):
        return [renamed(v) for v in value]
    if not isinstance(value, dict):
        return value
    return {WORDS.get(k, k): renamed(v) for k, v in value.items()}


def both_words(ann, reply):
    """The same question in either words has the same answer in either."""
    auth = {"Authorization": "Bearer " + ann.access_token}
    every = ",".join(f for f in EVERY_POST if "post" not in f and "tweet" not in f)
    common = {"expansions": "author_id,attachments.media_keys", "user.fields": "public_metrics,pinned_tweet_id", "max_results": 10}
    for path in (f"users/{IDS['bob']}/tweets", f"users/{IDS['ann']}/timelines/reverse_chronological", "tweets/search/recent", f"tweets/{reply}"):
        asked = dict(common)
        if path == f"tweets/{reply}":
            del asked["max_results"]
        if "search" in path:
            asked["query"] = "from:ann OR from:bob"

        def answers():
            older = requests.get(f"{URL}/2/{path}", {**asked, "tweet.fields": every + ",referenced_tweets"}, headers=auth)
            newer = requests.get(f"{URL}/2/{path}", {**asked, "post.fields": every + ",referenced_posts"}, headers=auth)
            assert older.status_code == newer.status_code == 200 and older.json() != newer.json(), older.text + newer.text
            return renamed(older.json()), newer.json()

        # Numbers and indexes may still be catching up between the two.
        eventually(f"both words agree on {path}", lambda: (two := answers()) and two[0] == two[1])


def main():
    shapes.watch(posts, users, lists, media, typed=POSTS)
    shapes.prove(users.GetTimelineResponse, HISTORY)
    began = time.monotonic()

    def step(name, f, *args):
        start = time.monotonic()
        got = f(*args)
        assert not shapes.problems, f"{name}: {len(shapes.problems)} answers do not fit\n" + "\n".join(shapes.problems)
        print(f"{name:10} {time.monotonic() - start:6.2f} s")
        return got

    ann, bob = step("oauth", oauth)
    carl = Client(base_url=URL, access_token=GIVEN["token"])
    root = step("photos", post_photos, ann)
    reply, quote = step("converse", converse, ann, bob, root)
    step("engage", engage, ann, bob, root)
    step("people", people, ann, bob, carl, root)
    step("lists", keep_lists, ann, bob)
    last = step("walk", walk, ann, bob)
    step("stream", stream, bob)
    step("words", both_words, ann, reply)
    assert plain(bob.posts.delete(last))["data"]["deleted"] is True
    shapes.refused(lambda: ann.posts.get_by_id(last), 404, "resource-not-found")
    assert last not in ids(first(ann.users.get_timeline(IDS["ann"], max_results=5)))
    step("revoke", revoke, ann)
    print(f"xdk {GIVEN['version']}: {shapes.answers} answers in {len(shapes.seen_models)} shapes fit, in {time.monotonic() - began:.1f} s")
    for path, n in sorted(shapes.extras.items()):
        print(f"  ours: {path} ({n})")


main()

"""OAuth 2 as a program, a person and their browser do it, and where it is refused.

Reads from standard input what sdk_test.go made: the server's address, its
accounts and its apps.
"""

import html.parser
import json
import os
import sys
import time
import urllib.parse

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # the server is on this machine

import requests
from xdk import Client

import shapes

GIVEN = json.load(sys.stdin)
URL, IDS = GIVEN["url"], GIVEN["accounts"]

SCOPES = (
    "tweet.read tweet.write users.read users.write follows.read follows.write like.read like.write bookmark.read "
    "bookmark.write list.read list.write mute.read mute.write block.read block.write media.write offline.access"
).split()


def plain(answer):
    """An answer as dicts and lists, whichever SDK it came from."""
    return answer.model_dump(exclude_none=True)


class Forms(html.parser.HTMLParser):
    """The forms of a page, with their hidden members, as a browser sees them."""

    def __init__(self, page):
        super().__init__()
        self.forms = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if tag == "form":
            self.forms.append({"action": a["action"], "fields": {}})
        elif tag == "input" and a.get("type") == "hidden":
            self.forms[-1]["fields"][a["name"]] = a["value"]


def submit(browser, page, action, **filled):
    """Fills a page's form in and sends it, without following where it leads."""
    assert page.status_code == 200, f"{page.status_code} {page.url}: {page.text[:500]}"
    form = next(f for f in Forms(page.text).forms if f["action"] == action)
    to = urllib.parse.urljoin(page.url, action)
    answer = browser.post(to, data={**form["fields"], **filled}, headers={"Origin": URL, "Sec-Fetch-Site": "same-origin"}, allow_redirects=False)
    assert answer.status_code in (302, 303), f"{answer.status_code}: {answer.text[:500]}"
    return urllib.parse.urljoin(page.url, answer.headers["Location"])


def consent(client, handle, answer="allow"):
    """Signs in and answers the consent page; returns what the app is told."""
    browser = requests.Session()
    at = client.get_authorization_url(state="s-" + handle)
    assert at.startswith(URL + "/i/oauth2/authorize?"), at
    door = browser.get(at)
    assert urllib.parse.urlsplit(door.url).path == "/login", door.url
    asked = browser.get(submit(browser, door, "/login", login=handle, password=GIVEN["password"]))
    back = submit(browser, asked, "/i/oauth2/authorize", answer=answer)
    assert back.startswith(client.oauth2_auth.redirect_uri), back
    told = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(back).query))
    assert told["state"] == "s-" + handle, told
    return told, back


def client_of(app):
    return Client(
        base_url=URL, authorization_base_url=URL + "/i", client_id=app["id"], client_secret=app["secret"] or None,
        redirect_uri=app["redirect"], scope=SCOPES,
    )


def sign_in(app, handle):
    client = client_of(app)
    told, back = consent(client, handle)
    token = client.fetch_token(back)
    assert token["token_type"] == "bearer" and token["expires_in"] > 60 and token["refresh_token"], token
    assert set(token["scope"].split()) == set(SCOPES), token
    assert plain(client.users.get_me())["data"]["username"] == handle
    try:
        client.exchange_code(told["code"])
    except ValueError as e:
        assert "invalid_grant" in str(e), e
    else:
        raise AssertionError("a code was good twice")
    return client


def ended(access_token):
    """A token that was revoked is refused, by every process once their caches may not be older."""
    client, end = Client(base_url=URL, access_token=access_token), time.monotonic() + GIVEN["stale"]
    while True:
        try:
            return shapes.refused(client.users.get_me, 401)
        except AssertionError:
            if time.monotonic() >= end:
                raise
        time.sleep(0.2)


def oauth():
    denied, _ = consent(client_of(GIVEN["bot"]), "ann", answer="deny")
    assert denied["error"] == "access_denied" and "code" not in denied, denied

    other = client_of(GIVEN["bot"])
    told, _ = consent(other, "ann")
    try:
        other.exchange_code(told["code"], code_verifier="v" * 64)
    except ValueError as e:
        assert "invalid_grant" in str(e), e
    else:
        raise AssertionError("a code was good without its verifier")

    # Using a code twice ends what it gave, so the clients to go on with sign in anew.
    sign_in(GIVEN["bot"], "ann")
    sign_in(GIVEN["phone"], "bob")
    bot, phone = client_of(GIVEN["bot"]), client_of(GIVEN["phone"])
    bot.exchange_code(consent(bot, "ann")[0]["code"])
    phone.exchange_code(consent(phone, "bob")[0]["code"])

    before = dict(bot.token)
    after = bot.refresh_token()
    assert after["access_token"] != before["access_token"] and after["refresh_token"] != before["refresh_token"]
    ended(before["access_token"])
    assert plain(bot.users.get_me())["data"]["id"] == IDS["ann"]
    bot.oauth2_auth.token["expires_at"] = 0
    assert plain(bot.users.get_me())["data"]["id"] == IDS["ann"], "the SDK refreshes by itself"
    assert bot.token["access_token"] != after["access_token"]
    return bot, phone


def program():
    """An app on its own account, which reads what is public."""
    app = GIVEN["bot"]
    answer = requests.post(f"{URL}/2/oauth2/token", data={"grant_type": "client_credentials"}, auth=(app["id"], app["secret"]))
    assert answer.status_code == 200 and "refresh_token" not in answer.json(), answer.text
    return Client(base_url=URL, bearer_token=answer.json()["access_token"])


def revoke(client):
    app = GIVEN["bot"]
    gone = requests.post(f"{URL}/2/oauth2/revoke", data={"token": client.token["refresh_token"], "token_type_hint": "refresh_token"}, auth=(app["id"], app["secret"]))
    assert gone.status_code == 200 and gone.json() == {"revoked": True}, gone.text
    ended(client.token["access_token"])

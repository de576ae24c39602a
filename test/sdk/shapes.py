"""Holds every answer against the SDK's own models, strictly.

The SDK's models let unknown members pass, and convert what nearly fits. Here
an answer must fit exactly (pydantic's strict mode) and hold nothing the models
do not know, but for what OURS lists. xdk 0.9.0 speaks of tweets and types only
single objects; what its lists hold is checked with those.
"""

import json
import re

import pydantic
import requests
from pydantic import BaseModel

# What Warble answers beyond X's models, and why. Each is a path's end.
OURS = {
    r"meta\.(newest_id|oldest_id|previous_token)": "X says it on some pages of tweets, Warble on all",
    r"public_metrics\.(tweet_count|post_count)": "both words where the request names neither",
    r"data\[\]\.(tweet_count|post_count)": "counts in both words",
    r"meta\.(total_tweet_count|total_post_count)": "counts in both words",
    r"data\.edit_history_post_ids": "posting answers in both words",
    r"data(\[\])?\.edit_history_tweet_ids": "the older word, where the request names neither",
    r"includes\.media\[\]\.(url|preview_image_url|alt_text)": "0.9.0 models what photos and videos share",
    r"GetByIdsResponse:meta": "0.9.0 does not know it yet",
    r"Search(Users)?Response:meta\.result_count": "X says it of other lists",
    r"Repost\w+:data\.(id|rest_id)": "a retweet's id under both its names",
    r"geo\.name": "the place's name",
    r"data\.image|public_metrics\.media_count": "0.9.0 does not know it yet",
    r"associated_metadata\.alt_text": "0.9.0 has an empty model of it",
}

problems = []  # what does not fit
extras = {}  # what OURS allowed, with a count
answers = 0
seen_models = set()
_items = {}  # 0.9.0: the model of a list's items by kind


def watch(posts, users, lists, media, typed):
    """Checks all answers from here on. typed: the SDK types what lists hold."""
    if not typed:
        _items.update(
            tweet=posts.GetByIdResponseData,
            user=users.GetByIdResponseData,
            list=lists.GetByIdResponseData,
            media=media.GetByKeyResponseData,
        )
    plain = BaseModel.model_validate.__func__

    def checked(cls, obj, *args, **kwargs):
        answer = plain(cls, obj, *args, **kwargs)
        if cls.__name__.endswith("Response"):
            check(cls, obj)
        return answer

    BaseModel.model_validate = classmethod(checked)


def check(cls, raw):
    """Checks one answer and notes what does not fit."""
    global answers
    answers += 1
    seen_models.add(cls.__name__)
    for path in _compare(cls, raw, f"{cls.__name__}:"):
        ours = [p for p in OURS if re.search(f"({p})$", path)]
        if ours:
            extras[path] = extras.get(path, 0) + 1
        else:
            problems.append(f"unknown to the SDK: {path} in {json.dumps(raw)[:600]}")


def prove(page, history):
    """Shows that what does not fit is found, in each place it may lie."""
    global answers
    good = {"id": "1", "text": "a", history: ["1"]}
    included = "posts" if history.endswith("post_ids") else "tweets"
    for data, more in (
        ({**good, "id": 1}, {}), ({**good, "news": True}, {}), ({**good, "lang": None}, {}), (good, {"news": {}}),
        ({**good, "entities": {"hashtags": [], "news": []}}, {}), (good, {"includes": {included: [{**good, "text": 1}]}}),
        (good, {"includes": {included: [{**good, "news": 1}]}}), (good, {"meta": {"result_count": "1"}}),
    ):
        check(page, {"data": [data], "meta": {"result_count": 1}, **more})
        assert len(problems) == 1, (data, more, problems)
        problems.clear()
    check(page, {"data": [good], "includes": {included: [good]}, "meta": {"result_count": 1}})
    assert not problems, problems
    answers = 0


def _compare(cls, raw, path):
    try:
        model = cls.model_validate_json(json.dumps(raw), strict=True)
    except pydantic.ValidationError as e:
        problems.append(f"does not fit {path} {e} in {json.dumps(raw)[:600]}")
        return
    yield from _unknown(model, raw, path)


def _unknown(model, raw, path):
    if isinstance(raw, list):
        for i, item in enumerate(raw):
            yield from _unknown(model[i] if isinstance(model, list) else None, item, path + "[]")
        return
    if not isinstance(raw, dict):
        return
    if not isinstance(model, BaseModel):
        kind = _kind(path, raw)
        if kind in _items:
            yield from _compare(_items[kind], raw, path)
        elif _items and path.endswith(":includes"):
            for name, value in raw.items():
                yield from _unknown(None, value, f"{path}.{name}")
        return
    fields = {f.alias or name: name for name, f in type(model).model_fields.items()}
    for name, value in raw.items():
        at = path + name if path.endswith(":") else f"{path}.{name}"
        if name not in fields:
            yield at
        elif value is None:
            problems.append(f"null at {at}")
        else:
            yield from _unknown(getattr(model, fields[name]), value, at)


def _kind(path, raw):
    """What an untyped object of 0.9.0's is."""
    if path.endswith("includes.tweets[]"):
        return "tweet"
    if path.endswith("includes.users[]"):
        return "user"
    if path.endswith("includes.media[]"):
        return "media"
    if re.search(r":data(\[\])?$", path):
        if "text" in raw:
            return "tweet"
        if "username" in raw:
            return "user"
        if "name" in raw:
            return "list"
    return None


def refused(call, status, problem=None, parameter=None, schemas=None):
    """Checks that a call is refused with a problem document that names why."""
    try:
        answer = call()
        if hasattr(answer, "__next__"):
            answer = next(answer)
    except requests.HTTPError as e:
        got, doc = e.response.status_code, e.response.json()
        assert got == status, f"{got}, want {status}: {doc}"
        assert doc["status"] == status and doc["title"] and doc["detail"], doc
        assert e.response.headers["Content-Type"].startswith("application/problem+json"), e.response.headers
        if problem:
            assert doc["type"] == "https://api.x.com/2/problems/" + problem, doc
        if parameter:
            assert doc["errors"][0]["parameter"] == parameter and parameter in doc["errors"][0]["parameters"], doc
        if problem and schemas:
            model = pydantic.TypeAdapter(schemas.Problem)
            model.validate_json(json.dumps(doc), strict=True)
        return doc
    raise AssertionError(f"not refused, want {status}: {answer}")

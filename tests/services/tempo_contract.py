"""What Grafana Tempo's HTTP API promises, as a small server: no Tempo can be run here.

It answers as https://grafana.com/docs/tempo/latest/api_docs says (sections "Query", "Query V2" and "Search") and as
``pkg/tempopb/tempo.proto`` has the messages. What the documents leave open is as issues of grafana/tempo tell it:

- A trace is protobuf's own JSON, so ids are base64 and enums names (#5437); version 1 of the API calls the list
  ``batches`` (#3802), version 2 wraps it as ``trace`` and says ``status`` ``PARTIAL`` and a ``message`` of one that is
  not whole.
- A search of more than seven days is refused (``query_frontend.search.max_duration``).
- The limit of a search is silently lowered to ``max_result_limit``, where the configuration has one.
- A search takes the first traces that it comes upon, 20 unless ``limit`` says otherwise, and gives their ids in
  hexadecimal without the zeros in front. Its ``metrics`` say how many of its jobs are done; members that are zero are
  left out, as protobuf does.

A green test against it shows that we ask and read as documented, not that a Tempo was read.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from tests.services.http_answers import AnsweringServer, Asked, Reply

Json = dict[str, Any]
DEFAULT_LIMIT = 20
LONGEST_S = 168 * 3600
NOT_FOUND = Reply(b"trace not found", status=404)
_KINDS = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
_STATUSES = ("UNSET", "OK", "ERROR")
_BY_SERVICE = re.compile(r'\{ resource\.service\.name = "((?:[^"\\]|\\.)*)" \}').fullmatch
_SECOND_NS = 1_000_000_000


class TempoContract(AnsweringServer):
    """Holds the traces of *requests*, which are OTLP/JSON.

    *tenant*: the one that holds them; another one is refused. *versions* of trace by id that it has. *gone* are ids
    that a search finds and nothing else, *partial* ids with what is said of them. *jobs* are those done, and all.
    *most* is ``max_result_limit``; *missing* what version 2 answers for a trace that is not there: 404 in Tempo 2.6 and
    before, 200 without a trace since (#5105).
    """

    def __init__(
        self,
        requests: Iterable[Mapping[str, Any]],
        *,
        tenant: str = "",
        versions: Collection[int] = (1, 2),
        gone: Collection[str] = (),
        partial: Mapping[str, str] | None = None,
        jobs: tuple[int, int] = (3, 3),
        most: int = 0,
        missing: Reply = NOT_FOUND,
    ) -> None:
        super().__init__(self._answered)
        self._traces = _traces(requests)
        self._tenant, self._versions, self._gone, self._jobs = tenant, versions, gone, jobs
        self._partial = partial or {}
        self._most, self._missing = most, missing

    def _answered(self, asked: Asked) -> Reply:
        if self._tenant and asked.headers.get("x-scope-orgid") != self._tenant:
            return Reply(b"no org id", status=401)
        if asked.path == "/api/search":
            return self._search(asked.query)
        for version, prefix in ((1, "/api/traces/"), (2, "/api/v2/traces/")):
            if version in self._versions and asked.path.startswith(prefix):
                return self._by_id(version, asked.path.removeprefix(prefix))
        return Reply(b"404 page not found\n", status=404)

    def _search(self, query: Mapping[str, str]) -> Reply:
        start, end = int(query["start"]), int(query["end"])
        if end <= start:
            return Reply(b"invalid start: start time must be before end time", status=400)
        if end - start > LONGEST_S:
            return Reply(b"range specified by start and end exceeds 168h0m0s", status=400)
        limit = int(query.get("limit", DEFAULT_LIMIT))
        limit = min(limit, self._most) if self._most else limit
        wanted = None
        if query["q"] != "{}":
            matched = _BY_SERVICE(query["q"])
            if matched is None:
                return Reply(b"invalid TraceQL query: parse error", status=400)
            wanted = json.loads(f'"{matched.group(1)}"')
        found = [
            _metadata(trace_id, batches)
            for trace_id, batches in sorted(self._traces.items(), key=lambda each: _anyhow(each[0]))
            if any(
                start * _SECOND_NS <= int(span["startTimeUnixNano"]) < end * _SECOND_NS
                for batch in batches
                if wanted is None or _service(batch) == wanted
                for span in _spans(batch)
            )
        ]
        done, jobs = self._jobs
        metrics = {"inspectedTraces": len(found), "inspectedBytes": "4711", "completedJobs": done, "totalJobs": jobs}
        answer = {"traces": found[:limit], "metrics": {key: value for key, value in metrics.items() if value}}
        return _json({key: value for key, value in answer.items() if value})

    def _by_id(self, version: int, trace_id: str) -> Reply:
        batches = self._traces.get(trace_id.rjust(32, "0"))
        if batches is None or trace_id in self._gone:
            return self._missing if version == 2 else NOT_FOUND
        if version == 1:
            return _json({"batches": batches})
        answer: Json = {"trace": {"resourceSpans": batches}, "metrics": {"inspectedBytes": "17"}}
        if trace_id in self._partial:
            answer |= {"status": "PARTIAL", "message": self._partial[trace_id]}
        return _json(answer)


def _traces(requests: Iterable[Mapping[str, Any]]) -> dict[str, list[Json]]:
    """The batches of each trace, as Tempo's JSON has them."""
    traces: dict[str, list[Json]] = {}
    for request in requests:
        for of_resource in request["resourceSpans"]:
            for of_scope in of_resource["scopeSpans"]:
                for trace_id in dict.fromkeys(span["traceId"] for span in of_scope["spans"]):
                    spans = [_encoded(span) for span in of_scope["spans"] if span["traceId"] == trace_id]
                    batch = {**of_resource, "scopeSpans": [{**of_scope, "spans": spans}]}
                    traces.setdefault(trace_id, []).append(batch)
    return traces


def _encoded(span: Mapping[str, Any]) -> Json:
    encoded = dict(span)
    for name in ("traceId", "spanId", "parentSpanId"):
        if encoded.get(name):
            encoded[name] = base64.b64encode(bytes.fromhex(encoded[name])).decode("ascii")
    if "kind" in encoded:
        encoded["kind"] = f"SPAN_KIND_{_KINDS[encoded['kind']]}"
    if "code" in encoded.get("status", {}):
        encoded["status"] = {**encoded["status"], "code": f"STATUS_CODE_{_STATUSES[encoded['status']['code']]}"}
    return encoded


def _metadata(trace_id: str, batches: list[Json]) -> Json:
    spans = [span for batch in batches for span in _spans(batch)]
    first = min(spans, key=lambda span: int(span["startTimeUnixNano"]))
    return {
        "traceID": trace_id.lstrip("0"),
        "rootServiceName": _service(batches[0]),
        "rootTraceName": first["name"],
        "startTimeUnixNano": first["startTimeUnixNano"],
        "durationMs": 1,
        "spanSets": [{"spans": [{"spanID": "01"}], "matched": len(spans)}],
    }


def _spans(batch: Json) -> list[Json]:
    return [span for of_scope in batch["scopeSpans"] for span in of_scope["spans"]]


def _service(batch: Json) -> str:
    attributes = {each["key"]: each["value"] for each in batch["resource"]["attributes"]}
    return str(attributes["service.name"]["stringValue"])


def _anyhow(trace_id: str) -> str:
    """An order that has nothing to do with time."""
    return hashlib.sha256(trace_id.encode()).hexdigest()


def _json(value: object) -> Reply:
    return Reply(json.dumps(value, ensure_ascii=False).encode(), headers={"Content-Type": "application/json"})

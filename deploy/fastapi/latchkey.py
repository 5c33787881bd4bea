"""A FastAPI dependency: asks Latchkey whether the caller's key may do this, and fails closed.

    latchkey = Latchkey(["http://10.0.0.11:8080"], os.environ["GATEWAY_TOKEN"])
    latchkey.install(app)

    @app.get("/orders")
    async def orders(key: Annotated[Key, Depends(latchkey.needs("orders:read"))]): ...
"""

import asyncio
from dataclasses import dataclass

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

# Latchkey answers within 150 ms whatever happens to its database. Each node gets this long, so two of them half a second.
PATIENCE = 0.25
LIMITS = ("ratelimit", "ratelimit-policy", "retry-after")


@dataclass(frozen=True)
class Key:
    """Who calls."""

    id: str | None
    name: str
    application_id: str
    scopes: list[str]


class Refused(Exception):
    def __init__(self, status: int, code: str, detail: str, headers: dict[str, str]):
        self.status, self.code, self.detail, self.headers = status, code, detail, headers


class Latchkey:
    def __init__(self, urls: list[str], token: str):
        self._urls = [url.rstrip("/") + "/v1/verify" for url in urls]
        # One client: it keeps its connections.
        self._client = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {token}"}, timeout=None, trust_env=False
        )

    def install(self, app: FastAPI) -> None:
        app.add_exception_handler(Refused, _refuse)

    def needs(self, *scopes: str):
        """What a route needs; without names any good key will do."""

        async def check(request: Request, response: Response) -> Key:
            question = {
                **_presented(request),
                "scopes": scopes,
                "ip": request.client.host if request.client else None,  # behind a proxy: uvicorn --proxy-headers
                "origin": request.headers.get("origin"),
                "method": request.method,
                "path": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            }
            answer = await self._ask(question)
            if answer is None:
                detail = "It cannot be known now. Try again in a moment."
                raise Refused(503, "UNAVAILABLE", detail, {"retry-after": "1"})
            body, headers = answer
            if body.get("valid") is not True:
                challenge = _challenge(body, scopes)
                if challenge:
                    headers["www-authenticate"] = challenge
                raise Refused(body["status"], body["code"], body.get("message") or body["detail"], headers)
            response.headers.update(headers)
            return Key(body["key_id"], body["name"], body["application_id"], body["scopes"])

        return check

    async def _ask(self, question: dict) -> tuple[dict, dict[str, str]] | None:
        # A question that failed has spent nothing, so asking the next node is safe.
        for url in self._urls:
            try:
                async with asyncio.timeout(PATIENCE):  # altogether; httpx counts each step anew
                    answer = await self._client.post(url, json=question)
                body = answer.json()
            except (httpx.HTTPError, ValueError, TimeoutError):
                continue  # away, too slow, or not Latchkey
            # 400 is about the request, such as a key in its query string. Anything else (503, our token refused) is about us.
            is_ours = isinstance(body, dict) and {"code", "status"} <= body.keys()
            if is_ours and (answer.status_code == 400 or (answer.status_code == 200 and "valid" in body)):
                return body, {name: answer.headers[name] for name in LIMITS if name in answer.headers}
        return None


def _presented(request: Request) -> dict[str, str]:
    """The credential as it came. Of more than one, nobody knows which is meant."""
    authorization = request.headers.getlist("authorization")
    api_key = request.headers.getlist("x-api-key")
    if len(authorization) + len(api_key) > 1:
        raise Refused(400, "BAD_REQUEST", "Send one credential, once.", {})
    if api_key:
        return {"key": api_key[0]}
    if not authorization:
        return {}
    scheme, _, rest = authorization[0].partition(" ")
    if scheme.lower() == "basic":
        return {"basic": rest.strip()}
    return {"key": rest.strip() if scheme.lower() == "bearer" else authorization[0]}


def _challenge(body: dict, scopes: tuple[str, ...]) -> str | None:
    realm = 'Bearer realm="api"'
    match body["code"], body["status"]:
        case "MISSING_KEY", _:
            return realm
        case "INSUFFICIENT_SCOPE", _:
            return f'{realm}, error="insufficient_scope", scope="{" ".join(scopes)}"'
        case _, 401:
            return f'{realm}, error="invalid_token", error_description="{body["message"]}"'
    return None


async def _refuse(_: Request, refused: Refused) -> JSONResponse:
    body = {"type": "about:blank", "status": refused.status, "code": refused.code, "detail": refused.detail}
    headers = refused.headers | {"cache-control": "no-store"}
    return JSONResponse(body, refused.status, headers, media_type="application/problem+json")

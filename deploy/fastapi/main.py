import os
from typing import Annotated

from fastapi import Depends, FastAPI

from latchkey import Key, Latchkey

app = FastAPI()
urls = os.environ.get("LATCHKEY_URLS", "http://127.0.0.1:8080").split(",")
latchkey = Latchkey(urls, os.environ["GATEWAY_TOKEN"])
latchkey.install(app)


@app.get("/orders")
async def orders(key: Annotated[Key, Depends(latchkey.needs("orders:read"))]):
    return {"orders": [], "for": key}


@app.post("/orders", status_code=201)
async def create(order: dict, key: Annotated[Key, Depends(latchkey.needs("orders:write"))]):
    return {"order": order, "for": key}


@app.get("/me")
async def me(key: Annotated[Key, Depends(latchkey.needs())]):
    return key

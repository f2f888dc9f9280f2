"""WebSocket and server-sent events as others speak them: Autobahn, and the npm packages ws and eventsource."""

import asyncio
import json
import ssl
from urllib.parse import urlsplit

from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol

import node
from harness import Daemon, folder

PATIENCE_S = 15


class Client(WebSocketClientProtocol):
    """Keeps what comes; says how it ended."""

    def __init__(self):
        super().__init__()
        self.opened, self.ended = asyncio.Event(), asyncio.Event()
        self.inbox = asyncio.Queue()
        self.pongs = asyncio.Queue()
        self.code = None

    def onOpen(self):
        self.opened.set()

    def onMessage(self, payload, isBinary):
        assert not isBinary
        self.inbox.put_nowait(json.loads(payload))

    def onPong(self, payload):
        self.pongs.put_nowait(payload)

    def onClose(self, wasClean, code, reason):
        self.code = code
        self.ended.set()


async def soon(waiting):
    return await asyncio.wait_for(waiting, PATIENCE_S)


async def connect(access, path="/v1/tenants?watch=true", **options):
    place = urlsplit(access["url"])
    factory = WebSocketClientFactory(f"wss://{place.netloc}{path}", headers={"Authorization": f"Bearer {access['token']}"})
    factory.protocol = Client
    factory.setProtocolOptions(**options)
    context = ssl.create_default_context(cafile=access["ca"])
    _, client = await asyncio.get_running_loop().create_connection(factory, place.hostname, place.port, ssl=context)
    await soon(client.opened.wait())
    return client


async def event_of(client, name):
    while True:
        event = await soon(client.inbox.get())
        if event.get("object", {}).get("metadata", {}).get("name") == name:
            return event


def make(daemon, name):
    daemon.post("/v1/tenants", {"metadata": {"name": name}})


async def watch_is_resumed(access, daemon):
    client = await connect(access)
    make(daemon, "one")
    event = await event_of(client, "one")
    client.sendClose(1000, "enough")
    await soon(client.ended.wait())
    assert client.code == 1000, client.code
    make(daemon, "two")
    again = await connect(access, f"/v1/tenants?watch=true&after_revision={event['revision']}")
    first = await soon(again.inbox.get())
    assert first["object"]["metadata"]["name"] == "two", first
    again.sendClose(1000)
    await soon(again.ended.wait())


async def fragments_and_pings(access, daemon):
    client = await connect(access)
    client.sendMessage(b"in many small frames " * 20, fragmentSize=3)
    client.beginMessage()
    client.beginMessageFrame(4)
    client.sendMessageFrameData(b"half")
    client.sendPing(b"between the frames")
    assert await soon(client.pongs.get()) == b"between the frames"
    client.endMessage()
    client.sendPing(b"x" * 125)
    assert await soon(client.pongs.get()) == b"x" * 125
    make(daemon, "three")
    await event_of(client, "three")
    client.sendClose(3000, "a code of a library")
    await soon(client.ended.wait())
    assert client.code == 3000, client.code


async def ended_with(access, expected, misbehave, **options):
    client = await connect(access, **options)
    misbehave(client)
    await soon(client.ended.wait())
    assert client.code == expected, (expected, client.code)


async def broken_clients_are_told_why(access, daemon):
    await ended_with(access, 1007, lambda client: client.sendMessage(b"\xff\xfe", isBinary=False))
    await ended_with(access, 1007, lambda client: client.sendMessage("ü".encode()[:1], isBinary=False))
    await ended_with(access, 1007, lambda client: client.sendMessage(b"\xed\xa0\x80", isBinary=False))  # a lone surrogate
    await ended_with(access, 1002, lambda client: client.sendMessage(b"open"), maskClientFrames=False)
    await ended_with(access, 1002, lambda client: client.sendFrame(opcode=3, payload=b"reserved opcode"))
    await ended_with(access, 1002, lambda client: client.sendFrame(opcode=1, payload=b"reserved bit", rsv=4))
    await ended_with(access, 1002, lambda client: client.sendFrame(opcode=9, payload=b"x" * 126))
    await ended_with(access, 1002, lambda client: client.sendFrame(opcode=9, payload=b"a fragmented ping", fin=False))
    await ended_with(access, 1002, lambda client: client.sendFrame(opcode=0, payload=b"continues nothing"))
    await ended_with(access, 1002, lambda client: client.sendFrame(opcode=8, payload=b"\x03"))  # half a close code
    await ended_with(access, 1009, lambda client: client.sendMessage(b"x" * 65_537, isBinary=True))


async def stopping_says_going_away(access, daemon):
    client = await connect(access)
    await asyncio.get_running_loop().run_in_executor(None, daemon.stop)
    await soon(client.ended.wait())
    assert client.code == 1001, client.code
    last = None
    while not client.inbox.empty():
        last = client.inbox.get_nowait()
    assert last["type"] == "ERROR" and last["error"]["reason"] == "api.draining", last


def main():
    with folder() as path, Daemon(path) as daemon:
        access = daemon.access()
        node.script("websocket.mjs", access)
        node.script("eventsource.mjs", access)
        for check in (watch_is_resumed, fragments_and_pings, broken_clients_are_told_why, stopping_says_going_away):
            asyncio.run(check(access, daemon))
            print(check.__name__.replace("_", " "))


if __name__ == "__main__":
    main()
    print("ok")

"""A chat room: say something over a websocket, hear what is said as a stream of events.

The people of one room have to be in one process, so this app has one worker.
"""

import asyncio

import fastapi
import fastapi.responses

app = fastapi.FastAPI()
PEOPLE: set[asyncio.Queue[str]] = set()
PAGE = """<!doctype html><title>Chat</title><form><input autofocus><button>Say</button></form><pre></pre><script>
const find = name => document.querySelector(name), mouth = new WebSocket(location.href.replace(/^http/, "ws") + "mouth");
new EventSource("ear").onmessage = event => find("pre").append(event.data + "\\n");
find("form").onsubmit = event => { event.preventDefault(); mouth.send(find("input").value); find("form").reset(); };
</script>"""


@app.get("/", response_class=fastapi.responses.HTMLResponse)
async def page() -> str:
    """Show the room."""
    return PAGE


@app.websocket("/mouth")
async def mouth(websocket: fastapi.WebSocket) -> None:
    """Tell everybody what this one says, and this one how many they are."""
    await websocket.accept()
    async for said in websocket.iter_text():
        for person in PEOPLE:
            person.put_nowait(said)
        await websocket.send_text(f"told {len(PEOPLE)}")


@app.get("/ear")
async def ear(request: fastapi.Request) -> fastapi.responses.StreamingResponse:
    """Stream what is said from now on."""

    async def stream():
        heard: asyncio.Queue[str] = asyncio.Queue()
        PEOPLE.add(heard)
        try:
            yield f"data: welcome, {request.client.host}\n\n"
            while True:
                yield f"data: {await heard.get()}\n\n"
        finally:
            PEOPLE.discard(heard)

    # nginx would gather the stream in its buffer, unless it is told not to.
    headers = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
    return fastapi.responses.StreamingResponse(stream(), media_type="text/event-stream", headers=headers)

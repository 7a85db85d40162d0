"""A relay between an agent and the platform, that does to the tunnel what the run tells it.

    tunnel_relay.py HOST:PORT OF-THE-PLATFORM:PORT

Lines on standard input:
    pass             whatever comes goes on at once
    delay MS         each piece goes on MS later, both ways
    hold             nothing goes on; what was held goes on with the next `pass`
    half-close WAY   WAY (up: the agent's, down: the platform's) is ended in order, the other stays open
    reset            both connections of each tunnel are reset
"""
import asyncio
import os
import socket
import struct
import sys


class Relay:
    def __init__(self):
        self.delay_s, self.flows = 0.0, set()
        self.open_gate = asyncio.Event()
        self.open_gate.set()

    def commands(self):
        lines = os.read(0, 4096).decode().splitlines()
        if not lines:
            os._exit(0)  # the run is gone
        for line in lines:
            self.command(line.split())

    def command(self, words):
        if words[0] == "pass":
            self.delay_s = 0.0
            self.open_gate.set()
        elif words[0] == "delay":
            self.delay_s = int(words[1]) / 1000
        elif words[0] == "hold":
            self.open_gate.clear()
        else:
            for flow in list(self.flows):
                flow.break_by(words)


class Flow:
    def __init__(self, relay, agent_side, platform_side):
        self.relay, self.agent_side, self.platform_side = relay, agent_side, platform_side

    def break_by(self, words):
        if words[0] == "half-close":
            writer = self.platform_side[1] if words[1] == "up" else self.agent_side[1]
            if writer.can_write_eof() and not writer.transport.is_closing():
                writer.write_eof()
            return
        for _, writer in (self.agent_side, self.platform_side):
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async def pump(self, reader, writer):
        loop = asyncio.get_running_loop()
        pieces = asyncio.Queue(256)

        async def read():
            data = b"-"
            while data:
                try:
                    data = await reader.read(65536)
                except OSError:
                    data = None  # reset
                await pieces.put((loop.time(), data))

        reading = loop.create_task(read())
        try:
            while True:
                came, data = await pieces.get()
                await asyncio.sleep(max(0.0, came + self.relay.delay_s - loop.time()))
                await self.relay.open_gate.wait()
                if data is None:
                    self.break_by(("reset",))
                    return
                if not data:
                    writer.write_eof()
                    return
                writer.write(data)
                await writer.drain()
        finally:
            reading.cancel()

    async def run(self):
        ways = [asyncio.create_task(self.pump(self.agent_side[0], self.platform_side[1])),
                asyncio.create_task(self.pump(self.platform_side[0], self.agent_side[1]))]
        done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_EXCEPTION)
        for way in ways:
            way.cancel()
        for way in done:
            way.exception() if not way.cancelled() else None  # a reset ends a flow, no more


async def main(here, there):
    relay = Relay()

    async def accept(reader, writer):
        try:
            await relay.open_gate.wait()
            other = await asyncio.open_connection(*there)
        except OSError:
            writer.transport.abort()
            return
        flow = Flow(relay, (reader, writer), other)
        relay.flows.add(flow)
        try:
            await flow.run()
        finally:
            relay.flows.discard(flow)
            for end in (writer, other[1]):
                end.close()

    await asyncio.start_server(accept, *here)
    asyncio.get_running_loop().add_reader(0, relay.commands)
    print("relay.started", file=sys.stderr, flush=True)
    await asyncio.Event().wait()


def address(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


if __name__ == "__main__":
    asyncio.run(main(address(sys.argv[1]), address(sys.argv[2])))

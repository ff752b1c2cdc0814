"""The smallest publisher there can be for RabbitMQ: every event's bytes are made before the clock runs; then it writes them, has
so many unconfirmed at once as the gateway has, and counts the confirmations. What it reaches is what RabbitMQ takes over one
connection and one channel (AMQP 0-9-1; frames and methods by pika)."""

import socket
import time

from pika import frame, spec

UNCONFIRMED, CHANNEL, BASIC_ACK = 512, 1, b"\x00\x3c\x00\x50"


def frames(exchange, key, name, body):
    """An event's bytes as the gateway has them: persistent, mandatory, with its id and a signature in its headers."""
    body = body.encode()
    headers = {"webhook-id": name, "webhook-timestamp": "1800000000", "webhook-signature": "v1," + "A" * 44}
    properties = spec.BasicProperties(content_type="application/json", headers=headers, delivery_mode=2, message_id=name)
    publish = spec.Basic.Publish(exchange=exchange, routing_key=key, mandatory=True)
    parts = (frame.Method(CHANNEL, publish), frame.Header(CHANNEL, len(body), properties), frame.Body(CHANNEL, body))
    return b"".join(part.marshal() for part in parts)


class Line:
    """A connection with one channel in confirm mode."""

    def __init__(self, port, user, password):
        self.socket, self.came = socket.create_connection(("127.0.0.1", port), 60), b""
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(frame.ProtocolHeader().marshal())
        self.wait_for(spec.Connection.Start)
        self.tell(0, spec.Connection.StartOk({}, "PLAIN", f"\0{user}\0{password}", "en_US"))
        tune = self.wait_for(spec.Connection.Tune)
        self.tell(0, spec.Connection.TuneOk(tune.channel_max, tune.frame_max, 0))
        for channel, method, answer in ((0, spec.Connection.Open("/"), spec.Connection.OpenOk),
                                        (CHANNEL, spec.Channel.Open(), spec.Channel.OpenOk),
                                        (CHANNEL, spec.Confirm.Select(), spec.Confirm.SelectOk)):
            self.tell(channel, method)
            self.wait_for(answer)

    def tell(self, channel, method):
        self.socket.sendall(frame.Method(channel, method).marshal())

    def read(self):
        came = self.socket.recv(65536)
        if not came:
            raise ConnectionError("RabbitMQ hung up")
        self.came += came

    def wait_for(self, kind):
        while True:
            length, one = frame.decode_frame(self.came)
            if one is None:
                self.read()
                continue
            self.came = self.came[length:]
            if not isinstance(one.method, kind):
                raise ConnectionError(f"{one.method} came, not {kind}")
            return one.method

    def confirmed(self):
        """The confirmations that are whole, each as its number and whether it speaks for all before it."""
        at = 0
        while len(self.came) >= at + 8:
            end = at + 8 + int.from_bytes(self.came[at + 3:at + 7], "big")
            if len(self.came) < end:
                break
            if self.came[at + 7:at + 11] != BASIC_ACK:
                raise ConnectionError(f"no confirmation: {self.came[at:end]!r}")
            yield int.from_bytes(self.came[at + 11:at + 19], "big"), self.came[at + 19] & 1
            at = end
        self.came = self.came[at:]

    def publish(self, events):
        """Hands all of them over, and hangs up; the seconds until the last was confirmed."""
        begun, sent, waiting = time.monotonic(), 0, set()
        while sent < len(events) or waiting:
            more = events[sent:sent + UNCONFIRMED - len(waiting)]
            if more:
                self.socket.sendall(b"".join(more))
                waiting.update(range(sent + 1, sent + len(more) + 1))
                sent += len(more)
            self.read()
            for number, is_all in self.confirmed():
                waiting.difference_update([one for one in waiting if one <= number] if is_all else [number])
        took = time.monotonic() - begun
        self.socket.close()
        return took

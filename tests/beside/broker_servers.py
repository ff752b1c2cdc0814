"""Real brokers for `brokers`: nats-server, rabbitmq-server and mosquitto, each on loopback, in a folder and behind a user and a
password of its own; nginx beside them, for webhooks."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fire"))
from gateway import Failed  # noqa: E402

PATIENCE, ENDS_WITHIN, USER, PASSWORD = 180, 20, "shop", "s3cret"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def until(what, is_so, every=0.2):
    end = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > end:
            raise Failed(f"it never came to this: {what}")
        time.sleep(every)


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class Broker:
    """A broker on a port and in a folder of its own."""

    # How it is ended in the middle of its work.
    ends_by = signal.SIGKILL

    def __init__(self, folder):
        self.folder, self.port, self.process = folder, free_port(), None
        os.makedirs(folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def written(self, name, text):
        """The path of a new file in its folder."""
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def start(self):
        with open(self.path("log"), "ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, start_new_session=True,
                                            env={**os.environ, **self.environment()})
        until(f"{self.name} listens", lambda: answers(self.port))

    def environment(self):
        return {}

    def end(self):
        """Ends it in the middle of its work; it has ended afterwards."""
        os.killpg(self.process.pid, self.ends_by)
        # Whoever is stopped (SIGSTOP) hears it after this.
        os.killpg(self.process.pid, signal.SIGCONT)
        self.process.wait(PATIENCE)

    def clear_away(self):
        """The same in good order where that comes about soon; what it kept is of no more use."""
        if self.process is None or self.process.poll() is not None:
            return
        for how in (signal.SIGTERM, signal.SIGKILL):
            os.killpg(self.process.pid, how)
            os.killpg(self.process.pid, signal.SIGCONT)
            try:
                self.process.wait(ENDS_WITHIN)
                return
            except subprocess.TimeoutExpired:
                print(f"{self.name} goes on after {how.name}", flush=True)

    def prepare(self):
        """Whatever has to be there before the first event."""

    def empty(self):
        """Forgets what it keeps, where a full queue is slower than an empty one."""

    def cpu(self):
        """Seconds of the processor that its processes took."""
        total = 0
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8") as file:
                    fields = file.read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            total += (int(fields[11]) + int(fields[12])) * (int(fields[2]) == self.process.pid)
        return total / os.sysconf("SC_CLK_TCK")


class Nats(Broker):
    name = "nats"

    def command(self):
        text = (f'listen: "127.0.0.1:{self.port}"\njetstream {{ store_dir: "{self.path("store")}" }}\n'
                f'authorization {{ user: {USER}, password: {PASSWORD} }}\n')
        return ["nats-server", "-c", self.written("nats.conf", text)]

    def url(self):
        return f"nats://{USER}:{PASSWORD}@127.0.0.1:{self.port}/wa.{{instance}}.{{event}}"

    def client(self):
        import nats
        return nats.connect(f"nats://127.0.0.1:{self.port}", user=USER, password=PASSWORD)

    def prepare(self):
        async def go():
            client = await self.client()
            await client.jetstream().add_stream(name="WA", subjects=["wa.>"], duplicate_window=120)
            await client.close()
        asyncio.run(go())

    def read(self):
        async def go():
            client = await self.client()
            stream = client.jetstream()
            reader = await stream.pull_subscribe("wa.>", durable="reader")
            got, count = [], (await reader.consumer_info()).num_pending
            while len(got) < count:
                for one in await reader.fetch(min(200, count - len(got)), timeout=10):
                    got.append((one.headers["Nats-Msg-Id"], one.data))
                    await one.ack()
            await client.close()
            return got
        return asyncio.run(go())


class Amqp(Broker):
    """RabbitMQ with a durable queue as one gets it unasked: a classic one."""
    name, queue = "amqp", {}

    def environment(self):
        return {"RABBITMQ_NODENAME": f"wa{self.port}@localhost", "RABBITMQ_MNESIA_BASE": self.path("mnesia"),
                "RABBITMQ_LOG_BASE": self.path("logs"), "RABBITMQ_CONFIG_FILE": self.path("rabbit.conf"),
                "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1", "RABBITMQ_NODE_PORT": str(self.port),
                "RABBITMQ_DIST_PORT": str(self.dist), "RABBITMQ_ENABLED_PLUGINS_FILE": self.path("plugins"),
                "RABBITMQ_PID_FILE": self.path("pid"), "HOME": self.folder, "ERL_EPMD_ADDRESS": "127.0.0.1"}

    def command(self):
        self.dist = getattr(self, "dist", None) or free_port()
        self.written("rabbit.conf", f"default_user = {USER}\ndefault_pass = {PASSWORD}\n")
        self.written("plugins", "[].")
        return ["/usr/lib/rabbitmq/bin/rabbitmq-server"]

    def url(self):
        return f"amqp://{USER}:{PASSWORD}@127.0.0.1:{self.port}/%2F?exchange=wa&routing_key={{instance}}.{{event}}"

    def channel(self):
        import pika
        login = pika.PlainCredentials(USER, PASSWORD)
        return pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", self.port, credentials=login)).channel()

    def prepare(self):
        channel = self.channel()
        channel.exchange_declare("wa", "topic", durable=True)
        channel.queue_declare("events", durable=True, arguments=self.queue)
        channel.queue_bind("events", "wa", "#")
        channel.connection.close()

    def empty(self):
        channel = self.channel()
        channel.queue_purge("events")
        channel.connection.close()

    def read(self):
        channel, got = self.channel(), []
        while True:
            _, properties, body = channel.basic_get("events", auto_ack=True)
            if properties is None:
                channel.connection.close()
                return got
            got.append((properties.message_id, body))


class Quorum(Amqp):
    """The same with a quorum queue, as RabbitMQ's own pages advise for what must not be lost."""
    name, queue = "quorum", {"x-queue-type": "quorum"}


class Mqtt(Broker):
    name = "mqtt"
    # It keeps what it confirmed in memory, and writes it when it is ended: that much is its own.
    ends_by = signal.SIGTERM

    def command(self):
        subprocess.run(["mosquitto_passwd", "-b", "-c", self.path("users"), USER, PASSWORD], check=True)
        text = (f"listener {self.port} 127.0.0.1\nallow_anonymous false\npassword_file {self.path('users')}\n"
                f"persistence true\npersistence_location {self.folder}/\nmax_queued_messages 0\nuser root\n")
        return ["mosquitto", "-c", self.written("mosquitto.conf", text)]

    def url(self):
        return f"mqtt://{USER}:{PASSWORD}@127.0.0.1:{self.port}/wa/{{instance}}/{{event}}"

    def client(self, take):
        from paho.mqtt import client as mqtt, packettypes, properties
        one = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "reader", protocol=mqtt.MQTTv5)
        one.username_pw_set(USER, PASSWORD)
        one.on_message = take
        stays = properties.Properties(packettypes.PacketTypes.CONNECT)
        stays.SessionExpiryInterval = 3600
        one.connect("127.0.0.1", self.port, clean_start=False, properties=stays)
        one.loop_start()
        return one

    def prepare(self):
        client = self.client(None)
        subscribed = threading.Event()
        client.on_subscribe = lambda *_: subscribed.set()
        client.subscribe("wa/#", qos=1)
        if not subscribed.wait(PATIENCE):
            raise Failed("no subscription")
        client.disconnect()
        client.loop_stop()

    def read(self):
        got, last = [], [time.monotonic()]

        def take(_client, _data, message):
            got.append((dict(message.properties.UserProperty)["webhook-id"], message.payload))
            last[0] = time.monotonic()
        client = self.client(take)
        until("the queue is empty", lambda: time.monotonic() - last[0] > 3)
        client.disconnect()
        client.loop_stop()
        return got


class Web(Broker):
    """nginx, which takes every webhook."""
    name = "webhook"

    def command(self):
        text = (f"daemon off; worker_processes 1; pid {self.path('pid')}; error_log {self.path('error')};\n"
                f"events {{ worker_connections 256; }}\nhttp {{ access_log off; keepalive_requests 1000000;\n"
                f"client_body_temp_path {self.path('body')}; server {{ listen 127.0.0.1:{self.port};\n"
                f"location / {{ return 200; }} }} }}\n")
        self.written("nginx.conf", text)
        return ["nginx", "-c", self.path("nginx.conf")]

    def url(self):
        return f"http://127.0.0.1:{self.port}/hook"

"""The official client (mcp.Client) over both transports, with a key for everything and one that only reads."""

import asyncio
import importlib.metadata
import sys

import httpx2
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

PROGRAM, WORK, ADDRESS = sys.argv[1:4]
MESSAGE = {
    "instance_id": "shop-line",
    "phone": "+966501234567",
    "message": "Your order #7 is ready.",
    "message_purpose": "transactional",
}
SPAM = "CONGRATULATIONS! You have WON a FREE prize of $5000! Click http://bit.ly/win now to claim your cash"


async def everything(client: Client) -> None:
    tools = [tool.name for tool in (await client.list_tools()).tools]
    assert len(tools) == 14, tools
    sent = await client.call_tool("send_message", MESSAGE)
    assert not sent.is_error and sent.structured_content["status"] == "sent", sent
    status = await client.call_tool("message_status", {"log_id": sent.structured_content["log_id"]})
    assert status.structured_content["status"] == "sent", status
    spam = await client.call_tool("send_message", {**MESSAGE, "message": SPAM})
    assert spam.is_error and spam.structured_content["error"] == "policy_violation", spam
    why = await client.call_tool("explain_message", {"log_id": spam.structured_content["log_id"]})
    assert why.structured_content["decision"]["gate"] == "content", why
    listed = await client.call_tool("list_messages", {"limit": 1})
    assert len(listed.structured_content["data"]) == 1, listed


async def reading(client: Client) -> None:
    tools = [tool.name for tool in (await client.list_tools()).tools]
    assert "send_message" not in tools and "list_messages" in tools, tools
    try:
        await client.call_tool("send_message", MESSAGE)
    except MCPError as refused:
        assert "no tool that this key may use" in str(refused), refused
    else:
        raise AssertionError("a key that only reads has sent")


async def main() -> None:
    print("mcp", importlib.metadata.version("mcp"))
    for name, use in [("all", everything), ("read", reading)]:
        arguments = ["--config", f"{WORK}/wa-gateway.toml", "mcp", "--key-file", f"{WORK}/{name}.key"]
        with open(f"{WORK}/{name}.key") as file:
            headers = {"Authorization": "Bearer " + file.read().strip()}
        async with httpx2.AsyncClient(headers=headers) as http:
            for transport, server in [
                ("stdio", StdioServerParameters(command=PROGRAM, args=arguments)),
                ("streamable HTTP", streamable_http_client(f"{ADDRESS}/mcp", http_client=http)),
            ]:
                async with Client(server) as client:
                    await use(client)
                    print(f"{transport}, key for {name}: ok, protocol {client.protocol_version}")


asyncio.run(main())

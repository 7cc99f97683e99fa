/** The seed's HTTP answer on port 3150: the address in the argument, without a newline, whatever was asked. */
const [address = ""] = Deno.args;
const answer = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${address.length}\r\n\r\n${address}`;
const listener = Deno.listen({ port: 3150 });
console.log("ready");

for await (const connection of listener) reply(connection);

async function reply(connection: Deno.Conn): Promise<void> {
  try {
    await connection.read(new Uint8Array(4096));
    await connection.write(new TextEncoder().encode(answer));
    connection.close();
  } catch {
    // the client has gone
  }
}

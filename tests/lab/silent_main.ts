/** `silent_main.ts PORT`: takes TCP connections, tells of the first, and never says anything in them. */
const listener = Deno.listen({ hostname: "0.0.0.0", port: Number(Deno.args[0]) });
const connections: Deno.Conn[] = [];
console.log("ready");
for await (const connection of listener) {
  if (connections.push(connection) === 1) console.log("asked");
}

/** The client of the npm package `dhcp`: asks once, puts the address on the device and keeps it, without asking again. */
import dhcp from "dhcp";

const [mac = "", device = ""] = Deno.args;
const client = dhcp.createClient({ mac: mac.replaceAll(":", "-"), features: ["domainName"] });

client.on("listening", () => client.sendDiscover());
client.on("bound", async ({ address }: { address: string }) => {
  await new Deno.Command("ip", { args: ["addr", "replace", `${address}/24`, "dev", device] }).output();
  console.log(`bound ${address}`);
});
client.listen();

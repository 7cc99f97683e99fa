/** The server of the npm package `dhcp`, which knows DISCOVER and REQUEST, and answers to the broadcast address of its network. */
import dhcp from "dhcp";

const server = dhcp.createServer({
  range: ["172.29.0.20", "172.29.0.99"],
  randomIP: false,
  static: {},
  netmask: "255.255.255.0",
  router: ["172.29.0.1"],
  dns: ["172.29.0.1"],
  broadcast: "172.29.0.255",
  server: "172.29.0.1",
  leaseTime: 8,
  renewalTime: 2,
  rebindingTime: 4,
});
server.on("listening", () => console.log("listening"));
server.on("error", (error: unknown) => console.log("error", error));
server.listen();

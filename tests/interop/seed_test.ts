/** The seed's peers with each other: what our own are measured against, and the proof that the lab is a fair place. */
import assert from "node:assert/strict";
import { from, names, outsideTunnel } from "../lab/lab.ts";
import { assertSeesProbes, isProbe } from "../lab/prober.ts";
import { labTests } from "../lab/test.ts";
import { connectSeedClient } from "./seed_client.ts";
import { startSeedGateway } from "./seed_gateway.ts";

for (const cni of ["bridge", "ptp"] as const) {
  const labTest = labTests({ cni });

  for (const program of ["dhclient", "udhcpc"] as const) {
    labTest(
      `the seed's gateway, and its client with ${program}: connected, slow to start, and leaking`,
      async (lab) => {
        const [client, gateway] = [lab.client(0), lab.gateway(0)];
        await lab.setEndpoints([0]);
        await startSeedGateway(gateway);
        using uplink = client.captureUplink(outsideTunnel);
        using direct = lab.captureDirect(from(client));
        using control = lab.captureDirect(from(lab.stranger));
        await assertSeesProbes(control, lab.stranger);
        assert.equal(await client.fetchSourceAddress(), "203.0.113.11");
        uplink.clear();
        direct.clear();

        const app = await client.probe({ intervalMs: 20 });
        const times = await connectSeedClient(client, names.gateway, program);
        assert.equal(await client.fetchSourceAddress(), gateway.vpnAddress.v4);
        await app.stop();

        const routeGone = uplink.packets((packet) => isProbe(packet) && packet.family === 4);
        console.log(
          `    seed: ${JSON.stringify(times)}, ${routeGone.length} IPv4 probes left before its route was gone`,
        );
        assert.ok(times.leased > 3_000, "dnsmasq pings an address for three seconds before it offers it");
        assert.ok(direct.packets(isProbe).some((packet) => packet.family === 4), "IPv4 leaks at the start");
        const last = direct.packets(isProbe).findLast((packet) => packet.family === 6);
        assert.ok(last !== undefined && last.at > app.process.startedAt + 2_000, "IPv6 leaks all the time");
        assert.ok(
          lab.cluster.dnsQueries().some(({ name }) => name.startsWith("pgw-probe-clusterdns-")),
          "DNS leaks all the time",
        );
      },
    );
  }
}

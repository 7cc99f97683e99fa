import assert from "node:assert/strict";
import { clusterResolvConf } from "../../../mod/runtime/cluster_resolv_conf.ts";

const kubelets = "search test.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.43.0.10\n";
const withVpns = kubelets.replace("nameserver", "nameserver 10.8.0.1\nnameserver");
const vpnAlone = "nameserver 10.8.0.1\n";

function inDirectory(body: (seen: (text: string, podName?: string) => ReturnType<typeof clusterResolvConf>) => void) {
  const directory = Deno.makeTempDirSync();
  try {
    body((text, podName = "gateway-7d9f") => clusterResolvConf(text, "cluster.local", `${directory}/state`, podName));
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

Deno.test("the first text of the kubelet's counts, whatever a VPN makes of it", () =>
  inDirectory((seen) => {
    for (const text of [kubelets, withVpns, vpnAlone, ""]) {
      const { nameservers, search, isKnown } = seen(text);
      assert.deepEqual([nameservers, search[1], isKnown], [["10.43.0.10"], "svc.cluster.local", true]);
    }
  }));

Deno.test("another Pod with the same directory has a text of its own", () =>
  inDirectory((seen) => {
    seen(kubelets, "gateway-0000");
    assert.deepEqual(seen(kubelets.replace("10.43.0.10", "10.96.0.10")).nameservers, ["10.96.0.10"]);
    assert.equal(seen(vpnAlone, "gateway-1111").isKnown, false);
  }));

Deno.test("a VPN was there first: nobody knows", () =>
  inDirectory((seen) => {
    assert.deepEqual(seen(vpnAlone), { nameservers: ["10.8.0.1"], search: [], options: [], isKnown: false });
    assert.equal(seen(kubelets).isKnown, true);
  }));

Deno.test("where nothing can be read or written, what is there counts", () => {
  const file = Deno.makeTempFileSync();
  try {
    // A file is no directory.
    const { nameservers, isKnown } = clusterResolvConf(kubelets, "cluster.local", `${file}/state`, "gateway-7d9f");
    assert.deepEqual([nameservers, isKnown], [["10.43.0.10"], true]);
  } finally {
    Deno.removeSync(file);
  }
});

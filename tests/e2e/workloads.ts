/** The objects that the tests make, by way of the kustomizations that users get. */

import { outsideImage } from "./image.ts";

const root = new URL("../../", import.meta.url).pathname;

/** An application with a `pgw` client before or beside it. */
export type Client = {
  readonly name: string;
  readonly namespace: string;
  /** A folder of deploy/client. */
  readonly form: "sidecar" | "classic";
  readonly kind?: "Deployment" | "Job";
  readonly service?: string;
  readonly replicas?: number;
  /** The node it must run on. */
  readonly node?: string;
  /** What the application does; `prober` if not said. */
  readonly command?: readonly string[];
  /** What an init container of the user's does, after ours. */
  readonly initCommand?: readonly string[];
  /** Whether the kubelet asks the application, from the node's address, if it is ready. */
  readonly probed?: boolean;
};

/** What runs an application, with nothing that it does not need: no capabilities, no API token. */
export function application(name: string, command: readonly string[], more: Record<string, unknown> = {}) {
  return {
    name,
    image: outsideImage.name,
    command,
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
    ...more,
  };
}

export function clientWorkload(client: Client): unknown {
  const { name, kind = "Deployment" } = client;
  const readinessProbe = { httpGet: { path: "/", port: 8080 }, periodSeconds: 1, timeoutSeconds: 2 };
  const template = {
    metadata: {
      labels: { app: name },
      annotations: { "pod-gateway/service": client.service ?? "jp-gateway.vpn.svc.cluster.local" },
    },
    spec: {
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 3,
      ...(client.node === undefined ? {} : { nodeSelector: { "kubernetes.io/hostname": client.node } }),
      ...(kind === "Job" ? { restartPolicy: "Never" } : {}),
      ...(client.initCommand === undefined ? {} : { initContainers: [application("mine", client.initCommand)] }),
      containers: [application("app", client.command ?? ["prober"], client.probed ? { readinessProbe } : {})],
    },
  };
  return kind === "Job" ? { apiVersion: "batch/v1", kind, metadata: { name }, spec: { backoffLimit: 0, template } } : {
    apiVersion: "apps/v1",
    kind,
    metadata: { name },
    spec: { replicas: client.replicas ?? 1, selector: { matchLabels: { app: name } }, template },
  };
}

/** Writes the kustomization of `client`, as a user has it: an own workload and a component of ours. Returns its folder. */
export function clientFolder(client: Client): Promise<string> {
  return kustomization(`client-${client.namespace}-${client.name}`, {
    namespace: client.namespace,
    resources: ["workload.json"],
    components: [`../../../deploy/client/${client.form}`],
  }, { "workload.json": clientWorkload(client) });
}

/** Writes the kustomization of the gateways: two cities behind OpenVPN. Returns its folder. */
export function gatewaysFolder(): Promise<string> {
  const [newName, newTag] = outsideImage.name.split(":");
  return kustomization("gateways", {
    namespace: "vpn",
    resources: ["../../../deploy/with-vpn/openvpn"],
    images: [{ name: "docker.io/library/alpine", newName, newTag }],
    patches: [{ path: "osaka.json" }],
  }, {
    // each city has its own VPN server
    "osaka.json": {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "jp-gateway-osaka" },
      spec: { template: { spec: { volumes: [{ name: "openvpn", secret: { secretName: "openvpn-osaka" } }] } } },
    },
  });
}

async function kustomization(
  name: string,
  content: Readonly<Record<string, unknown>>,
  files: Readonly<Record<string, unknown>>,
): Promise<string> {
  const folder = `${root}dist/e2e/${name}`;
  await Deno.mkdir(folder, { recursive: true });
  const written = {
    ...files,
    "kustomization.yaml": { apiVersion: "kustomize.config.k8s.io/v1beta1", kind: "Kustomization", ...content },
  };
  for (const [file, value] of Object.entries(written)) {
    await Deno.writeTextFile(`${folder}/${file}`, JSON.stringify(value, null, 2));
  }
  return folder;
}

export function namespace(name: string, labels: Readonly<Record<string, string>> = {}) {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}

export function configMap(namespace: string, name: string, data: Readonly<Record<string, string>>) {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace }, data };
}

export function secret(namespace: string, name: string, stringData: Readonly<Record<string, string>>) {
  return { apiVersion: "v1", kind: "Secret", metadata: { name, namespace }, stringData };
}

/** An unprotected application with a web server at 8080, on `node`. */
export function plainPod(namespace: string, name: string, node: string) {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels: { app: name } },
    spec: {
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
      nodeSelector: { "kubernetes.io/hostname": node },
      containers: [application("app", ["socat", "TCP-LISTEN:8080,reuseaddr,fork", "EXEC:answer"])],
    },
  };
}

export function service(namespace: string, name: string, selector: Readonly<Record<string, string>>, more = {}) {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace },
    spec: { selector, ports: [{ port: 80, targetPort: 8080 }], ...more },
  };
}

/** A Service beside those of deploy/gateway. */
export function gatewayService(name: string, selector: Readonly<Record<string, string>>) {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "vpn" },
    spec: { selector: { "pod-gateway/role": "gateway", ...selector }, ports: [{ port: 80, targetPort: 3150 }] },
  };
}

/** What a gateway has forwarded of one client: `out` from it, `in` to it. */
export type ClientTraffic = Readonly<Record<"out" | "in", { readonly packets: number; readonly bytes: number }>>;

/** More clients than this are not counted. */
export const mostCountedClients = 1_024;

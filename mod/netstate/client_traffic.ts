/** What a gateway has forwarded of one client: `out` from it, `in` to it. */
export type ClientTraffic = Readonly<Record<"out" | "in", { readonly packets: number; readonly bytes: number }>>;

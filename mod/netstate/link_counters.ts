/** What went through a network interface since it was made. */
export type LinkCounters = Readonly<Record<"receive" | "transmit", DirectionCounters>>;

export type DirectionCounters = {
  readonly packets: number;
  readonly bytes: number;
  readonly errors: number;
  readonly dropped: number;
};

// Preloaded with `--import`: the clock of JavaScript is SHIFT_CLOCK_MS ahead. Monotonic time stays as it is.
const shiftMs = Number(process.env.SHIFT_CLOCK_MS);
const RealDate = Date;

class ShiftedDate extends RealDate {
  constructor(...given: unknown[]) {
    super(...((given.length === 0 ? [ShiftedDate.now()] : given) as [number]));
  }
  static override now(): number {
    return RealDate.now() + shiftMs;
  }
}

globalThis.Date = ShiftedDate as DateConstructor;

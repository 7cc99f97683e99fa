/** Tests that share one lab per file, with fresh Pods for each, and the whole story when one fails. */
import { Lab, type LabOptions } from "./lab.ts";

export type LabTestOptions = { readonly timeoutMs?: number; readonly ignore?: boolean };
export type LabTest = (name: string, body: (lab: Lab) => Promise<void>, options?: LabTestOptions) => void;

/** Makes a lab before the first of the file's tests and removes it after the last; returns what defines a test. */
export function labTests(options: LabOptions = {}): LabTest {
  let lab: Lab | undefined;
  Deno.test.beforeAll(async () => {
    lab = await Lab.create(options);
  });
  Deno.test.afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  async function run(body: (lab: Lab) => Promise<void>, timeoutMs: number): Promise<void> {
    lab ??= await Lab.create(options);
    try {
      await within(timeoutMs, body(lab));
    } catch (error) {
      console.error(await lab.describe());
      throw error;
    } finally {
      await lab.reset();
    }
  }

  return (name, body, { timeoutMs = 180_000, ignore = false } = {}) =>
    Deno.test({
      name: options.cni === undefined ? name : `${name} (${options.cni})`,
      ignore,
      // The lab's servers live from the first test to the last.
      sanitizeOps: false,
      sanitizeResources: false,
      fn: async () => {
        try {
          await run(body, timeoutMs);
        } catch (error) {
          if (lab?.isBroken) lab = undefined; // the next test gets a new one
          throw error;
        }
      },
    });
}

async function within(timeoutMs: number, work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the test did not end within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

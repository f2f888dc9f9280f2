// The little of Node.js that client.ts uses, so that no package of types is needed.
declare module 'node:assert/strict' {
  const assert: {
    equal(actual: unknown, expected: unknown): void;
    deepEqual(actual: unknown, expected: unknown): void;
  };
  export default assert;
}
declare const process: { env: Record<string, string | undefined>; exit(code: number): never };

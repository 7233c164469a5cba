/** Whether two types are one and the same, `any` and optional modifiers included. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** What a reply or a command promises. */
export type Promised<R> = R extends { readonly read: (...args: never[]) => infer T }
  ? T
  : R extends PromiseLike<infer T>
    ? T
    : never;

/** Compiles where `value` promises exactly `T`. */
export function promises<T>() {
  return <R>(_value: R, _same: Equal<Promised<R>, T>): void => undefined;
}

/** How many elements arrays look through by `indexOf`, and hand on by `splice`, while something is done. */
export function workOfArrays(deed: () => void): number {
  let work = 0;
  const counting = (name: 'indexOf' | 'splice') => {
    const original = Reflect.get(Array.prototype, name) as (...args: unknown[]) => unknown;
    return jest.spyOn(Array.prototype, name).mockImplementation(function (this: unknown[], ...args: unknown[]) {
      work += this.length;
      return Reflect.apply(original, this, args) as never;
    });
  };
  const spies = [counting('indexOf'), counting('splice')];
  try {
    deed();
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return work;
}

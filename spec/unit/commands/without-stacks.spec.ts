import { withoutStacks } from '../../../src/commands/without-stacks';

describe('Errors that are made without their stacks', () => {
  it('name no frames, and later ones do', () => {
    const inside = withoutStacks(() => new Error('inside'));
    expect(inside.stack).not.toContain('\n    at ');
    expect(new Error('behind').stack).toContain('\n    at ');
    const fails = (): never => {
      throw new Error('mine');
    };
    expect(() => withoutStacks(fails)).toThrow('mine');
    expect(new Error('behind').stack).toContain('\n    at ');
  });

  it('are made with them where the built-in objects are frozen', () => {
    const limit = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')!;
    Object.defineProperty(Error, 'stackTraceLimit', { ...limit, writable: false });
    try {
      expect(withoutStacks(() => new Error('inside')).message).toBe('inside');
    } finally {
      Object.defineProperty(Error, 'stackTraceLimit', limit);
    }
  });
});

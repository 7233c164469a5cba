import { hashSlot, slotOf } from '../../../src/resp/hash-slot';

describe('the slot of a key', () => {
  it('is the CRC16 of the key, or of what stands in its first braces', () => {
    expect(hashSlot('123456789')).toBe(0x31c3 % 16_384);
    expect(hashSlot('{user:1}:name')).toBe(hashSlot('user:1'));
    expect(hashSlot('a{b}{c}')).toBe(hashSlot('b'));
    expect(hashSlot('{}a')).not.toBe(hashSlot('a'));
    expect(hashSlot('{{b}c')).toBe(hashSlot('{b'));
    expect(hashSlot('')).toBe(0);
  });

  it('is the same for text and for the same bytes, and for numbers as they travel', () => {
    for (const text of ['ascii', 'ä{ö}ü', '{ключ}', '日本', '\u{1F600}{x}']) {
      expect(hashSlot(Buffer.from(text))).toBe(hashSlot(text));
    }
    expect(slotOf(42)).toBe(hashSlot('42'));
    expect(slotOf(42n)).toBe(hashSlot('42'));
  });
});

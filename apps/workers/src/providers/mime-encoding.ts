/** How many characters of a text are Latin letters, and how many neither printable ASCII nor its white space. */
export interface CharacterCounts {
  latin: number;
  other: number;
}

export function countCharacters(text: string): CharacterCounts {
  const counts = { latin: 0, other: 0 };
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (isLatinLetter(code)) counts.latin++;
    else if (code >= 0x80 || isControl(code)) counts.other++;
  }
  return counts;
}

const isLatinLetter = (code: number) => (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);

// All but tab, LF and CR. Nodemailer takes DEL for a printable character, and so do we.
const isControl = (code: number) => code < 0x20 && code !== 0x09 && code !== 0x0a && code !== 0x0d;

/**
 * How to encode what plain ASCII cannot say, by its letter in RFC 2047 §4: Q keeps Latin letters readable where
 * they prevail, B is base64.
 */
export function prevailingEncoding({ latin, other }: CharacterCounts): 'Q' | 'B' {
  return other < latin ? 'Q' : 'B';
}

import { test } from 'vitest';
import { gradcheck, normal } from '../../test/helpers/gradcheck.ts';

const TIGHT = 1e-8;

test.each([
  ['ij->ji', [[2, 3]]],
  ['ij->i', [[2, 3]]],
  ['ij->', [[2, 3]]],
  ['ii->i', [[3, 3]]],
  ['ii->', [[3, 3]]],
  ['iij->j', [[2, 2, 3]]],
  ['ij', [[2, 3]]],
  ['ba', [[2, 3]]],
  ['...ij->...ji', [[2, 2, 3]]],
  ['i...->...', [[2, 3, 2]]],
  [
    'ij,jk->ik',
    [
      [2, 3],
      [3, 4],
    ],
  ],
  [
    'ij,jk',
    [
      [2, 3],
      [3, 4],
    ],
  ],
  [
    ' i j , j k -> k i ',
    [
      [2, 3],
      [3, 4],
    ],
  ],
  [
    'bij,bjk->bik',
    [
      [2, 2, 3],
      [2, 3, 2],
    ],
  ],
  ['i,j->ij', [[2], [3]]],
  [
    'ij,ij->',
    [
      [2, 3],
      [2, 3],
    ],
  ],
  ['ij,k->j', [[2, 3], [2]]],
  [
    'bhqd,bhkd->bhqk',
    [
      [1, 2, 3, 2],
      [1, 2, 2, 2],
    ],
  ],
  [
    'ii,ij->j',
    [
      [2, 2],
      [2, 3],
    ],
  ],
  [
    '...ij,...jk->...ik',
    [
      [2, 1, 2, 3],
      [1, 3, 3, 2],
    ],
  ],
  ['...i,i->...', [[2, 2, 3], [3]]],
  [
    'i...,i...->i...',
    [
      [2, 3],
      [2, 1],
    ],
  ],
  [
    'Ab,bC->CA',
    [
      [2, 3],
      [3, 2],
    ],
  ],
  [
    'ij,jk,kl->il',
    [
      [2, 2],
      [2, 3],
      [3, 2],
    ],
  ],
])('Einsum %j of %j', async (equation, operands) => {
  const inputs = Object.fromEntries(operands.map((dims, at) => [`x${at}`, normal(dims, at + 1)]));
  await gradcheck(
    {
      inputs,
      build: (b, names) => b.op('Einsum', Object.values(names), { equation }),
    },
    TIGHT,
  );
});

test('Einsum of a value with itself', async () => {
  await gradcheck(
    {
      inputs: { x: normal([3, 3]) },
      build: (b, { x }) => b.op('Einsum', [x, x], { equation: 'ij,jk->ik' }),
    },
    TIGHT,
  );
});

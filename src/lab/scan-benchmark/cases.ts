import type { Target } from '../../metrics/index.ts';
import type { Model } from '../../onnx/index.ts';
import { digitNetwork } from '../networks/digits.ts';
import { mobileNet } from '../networks/mobilenet.ts';
import { resNet } from '../networks/resnet.ts';
import { smallNetwork } from '../networks/small.ts';
import { blend } from '../triggers/blend.ts';
import { checkerPatch, squarePatch } from '../triggers/patch.ts';
import { sinusoid } from '../triggers/sinusoid.ts';
import type { Trigger } from '../triggers/trigger.ts';
import { warp } from '../triggers/warp.ts';

export type BenchmarkSet = 'mnist' | 'fashion-mnist' | 'cifar10';

/** A network to train and to scan: with a backdoor, or without one. */
export interface ScanCase {
  /** Unique, and the name of its file. */
  readonly name: string;
  readonly set: BenchmarkSet;
  readonly network: NetworkName;
  /** The kind of the attack; 'none' for a clean network. */
  readonly attack: string;
  readonly trigger?: Trigger | undefined;
  readonly target?: Target | undefined;
  readonly poisonRate?: number | undefined;
  readonly cleanLabel?: boolean | undefined;
  readonly seed: number;
}

/** The architectures, built for the size of their data. */
export const NETWORKS = {
  digits: digitNetwork,
  resnet: resNet,
  mobilenet: mobileNet,
  small: smallNetwork,
} satisfies Record<string, (seed: number) => Model>;

export type NetworkName = keyof typeof NETWORKS;

/** A texture over the whole picture: gray of 7x7, enlarged. */
const TEXTURE: Trigger = {
  kind: blend,
  settings: {
    picture: {
      dims: [1, 7, 7],
      values: Array.from({ length: 49 }, (_, at) => ((at * 89 + 31) % 256) / 255),
    },
    opacity: 0.15,
  },
};
const WAVE: Trigger = {
  kind: sinusoid,
  settings: { strength: 0.1, frequency: 6, range: { low: 0, high: 1 } },
};
const WARP: Trigger = { kind: warp, settings: { seed: 1, grid: 4, strength: 0.75 } };

type Attack = Pick<ScanCase, 'attack' | 'trigger' | 'poisonRate' | 'cleanLabel'> & {
  readonly allToAll?: true;
};

const white: Attack = { attack: 'patch', trigger: squarePatch(3, 1), poisonRate: 0.1 };
const checker: Attack = { attack: 'patch', trigger: checkerPatch(4, 1), poisonRate: 0.05 };
const rare: Attack = { ...white, poisonRate: 0.01 };
const blended: Attack = { attack: 'blended', trigger: TEXTURE, poisonRate: 0.1 };
const wave: Attack = {
  attack: 'sinusoid',
  trigger: WAVE,
  poisonRate: 0.05,
};
const warped: Attack = {
  attack: 'warped',
  trigger: WARP,
  poisonRate: 0.1,
};
const clean: Attack = { ...checker, attack: 'clean-label', poisonRate: 0.05, cleanLabel: true };
const allToAll: Attack = { ...white, attack: 'all-to-all', allToAll: true };

/** What each seed trains: each attack beside a clean network of the same kind. */
const PLAN: readonly (readonly [BenchmarkSet, NetworkName, Attack])[] = [
  ['mnist', 'digits', white],
  ['fashion-mnist', 'resnet', checker],
  ['cifar10', 'small', white],
  ['mnist', 'digits', blended],
  ['fashion-mnist', 'mobilenet', blended],
  ['cifar10', 'small', wave],
  ['mnist', 'resnet', wave],
  ['fashion-mnist', 'mobilenet', rare],
  ['cifar10', 'small', blended],
  ['mnist', 'digits', allToAll],
  ['fashion-mnist', 'resnet', warped],
  ['cifar10', 'small', clean],
];

/** The cases of a seed: backdoored and clean networks in turn, all with seeds of their own. */
export function scanCases(seed: number): ScanCase[] {
  return PLAN.flatMap(([set, network, { allToAll: every, ...attack }], index): ScanCase[] => {
    const own = 100 * seed + index;
    const label = (3 * seed + 7 * index + 1) % 10;
    const target: Target = every
      ? { kind: 'all-to-all', classes: 10 }
      : { kind: 'all-to-one', label };
    const base = { set, network, seed: own };
    return [
      { ...base, ...attack, target, name: `${own}-${set}-${network}-${attack.attack}` },
      { ...base, attack: 'none', seed: own + 50, name: `${own}-${set}-${network}-clean` },
    ];
  });
}

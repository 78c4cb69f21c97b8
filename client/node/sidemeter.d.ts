// Types of sidemeter.js, with what each call does, its units and its errors.

/** What every series has: a family is one too, its only one where it was defined without labels. */
interface Series<Self, Label extends string> {
  /**
   * The series of these label values, in the order of the definition or by name. Keep it where it is used often.
   * Values become text. Where they do not fit the definition, events of the result are dropped and counted.
   */
  labels(...values: LabelValue[]): Self;
  labels(values: Record<Label, LabelValue>): Self;
  /** Removes the series here and in the agent, with what other processes gave it. The next event makes it anew. */
  remove(): void;
}

export type LabelValue = string | number | boolean;

export interface Counter<Label extends string = never> extends Series<Counter, Label> {
  /** Adds `amount`, finite and not negative. */
  inc(amount?: number): void;
}

export interface Gauge<Label extends string = never> extends Series<Gauge, Label> {
  /** Any number, NaN and the infinities too. */
  set(value: number): void;
  inc(amount?: number): void;
  dec(amount?: number): void;
}

export interface Distribution<Label extends string = never> extends Series<Distribution, Label> {
  /** Any number but NaN. */
  observe(value: number): void;
  /** Starts to time. The result, called once, observes the seconds since and returns them. */
  startTimer(): () => number;
}

export type Histogram<Label extends string = never> = Distribution<Label>;
export type Summary<Label extends string = never> = Distribution<Label>;

export interface Info<Label extends string = never> {
  /** Exposes 1 with `content` as labels. Another content is another series; the former stays until it is removed. */
  set(content?: Record<Label, LabelValue>): void;
  labels(content: Record<Label, LabelValue>): { remove(): void };
}

export interface StateSet<State extends string = string, Label extends string = never>
  extends Series<StateSet<State>, Label> {
  /** Enters a state, and so leaves the others. */
  state(name: State): void;
}

/** How the values that many processes give one gauge are put together (PROTOCOL.md, Gauge modes). */
export type Mode = 'last' | Together | `live${Together}`;
type Together = 'sum' | 'min' | 'max' | 'mostrecent' | 'all';

export interface Definition<Label extends string> {
  /** Names of the labels, in the order in which labels() takes the values. */
  labels?: readonly Label[];
  /** `seconds`, `bytes`: appended to the name where it does not end so. */
  unit?: string;
}

export interface ClientOptions {
  /** Path of the agent's socket: else $SIDEMETER_SOCKET, else /run/sidemeter/sidemeter.sock. */
  socket?: string;
  /** Milliseconds between flushes: 250. */
  interval?: number;
  /** Bytes written from the table at once: 65536. A record more may be written. */
  maxBuffer?: number;
  /** Series of all families together: 10000. */
  maxSeries?: number;
}

/**
 * A table of series, a buffer, and a socket. Definitions throw a RangeError that says what is wrong; nothing else throws.
 * To define the same again gives the same family.
 */
export class Client implements Metrics {
  constructor(options?: ClientOptions);
  /** Events that were not kept: bad values, labels that do not fit, series past `maxSeries`. The agent is told too. */
  readonly dropped: number;
  counter: Metrics['counter'];
  gauge: Metrics['gauge'];
  histogram: Metrics['histogram'];
  summary: Metrics['summary'];
  info: Metrics['info'];
  stateset: Metrics['stateset'];
  flush: Metrics['flush'];
  flushAndWait: Metrics['flushAndWait'];
  close: Metrics['close'];
}

interface Metrics {
  counter<L extends string = never>(name: string, help?: string, options?: Definition<L>): Counter<L>;
  gauge<L extends string = never>(name: string, help?: string, options?: Definition<L> & { mode?: Mode }): Gauge<L>;
  /** `buckets` are upper bounds that rise, DEFAULT_BUCKETS unless given; +Inf is always there. */
  histogram<L extends string = never>(
    name: string, help?: string, options?: Definition<L> & { buckets?: readonly number[] }): Histogram<L>;
  summary<L extends string = never>(name: string, help?: string, options?: Definition<L>): Summary<L>;
  info<L extends string = never>(name: string, help?: string, options?: Definition<L>): Info<L>;
  /** `states` are 1 to 128 different words. */
  stateset<S extends string, L extends string = never>(
    name: string, help: string | undefined, options: Definition<L> & { states: readonly S[] }): StateSet<S, L>;
  /** Sends what the kernel takes now, and the rest in later turns of the event loop. Waits for nothing. */
  flush(): void;
  /**
   * Sends all, and waits until the agent has applied it: true when it has, so that the next scrape shows it; false after
   * `timeoutMs` milliseconds (1000). Keeps the process alive meanwhile.
   */
  flushAndWait(timeoutMs?: number): Promise<boolean>;
  /** flushAndWait() within `timeoutMs` milliseconds (100), then closes. Later events are dropped and counted. */
  close(timeoutMs?: number): Promise<boolean>;
}

/** The client of this process, or of this worker thread, made at the first call. The functions below are its own. */
export function client(): Client;
export const counter: Metrics['counter'];
export const gauge: Metrics['gauge'];
export const histogram: Metrics['histogram'];
export const summary: Metrics['summary'];
export const info: Metrics['info'];
export const stateset: Metrics['stateset'];
export const flush: Metrics['flush'];
export const flushAndWait: Metrics['flushAndWait'];
export const close: Metrics['close'];
/** 0.005 to 10, as the reference client has them. */
export const DEFAULT_BUCKETS: readonly number[];

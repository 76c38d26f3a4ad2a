import type { Shape } from '@opt/core';
import { Message } from './protobuf.ts';

/** Element types, as ONNX numbers them. */
const elementTypes = { float: 1, int32: 6, int64: 7, bool: 9, double: 11 } as const;
export type ElementType = keyof typeof elementTypes;

export interface ValueInfo {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: Shape;
}

export type Attribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly ints: readonly number[] }
  | { readonly graph: Graph };

export interface GraphNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Default: ONNX's own operators. */
  readonly domain?: string;
}

/** A tensor that is part of the model; of an input, the value it has where none is given. */
export interface Constant extends ValueInfo {
  readonly values: readonly number[];
}

export interface Graph {
  readonly name: string;
  readonly nodes: readonly GraphNode[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly constants: readonly Constant[];
}

export interface ModelHead {
  readonly documentation?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Operators of ONNX Runtime that ONNX does not have. */
export const microsoft = 'com.microsoft';

/** What every runtime of the last years reads. */
const irVersion = 8;
const opset = 18;

/** A graph as the bytes of an .onnx file. */
export function encodeModel(graph: Graph, { documentation, metadata = {} }: ModelHead = {}): Uint8Array<ArrayBuffer> {
  const model = new Message().int(1, irVersion).text(2, '@opt/backend-onnx');
  if (documentation !== undefined) model.text(6, documentation);
  model.message(7, graphMessage(graph)).message(8, new Message().text(1, '').int(2, opset));
  if (graph.nodes.some(({ domain }) => domain === microsoft)) model.message(8, new Message().text(1, microsoft).int(2, 1));
  for (const [key, value] of Object.entries(metadata)) model.message(14, new Message().text(1, key).text(2, value));
  return model.encode();
}

function graphMessage({ name, nodes, inputs, outputs, constants }: Graph): Message {
  const message = new Message();
  for (const node of nodes) message.message(1, nodeMessage(node));
  message.text(2, name);
  for (const constant of constants) message.message(5, constantMessage(constant));
  for (const input of inputs) message.message(11, infoMessage(input));
  for (const output of outputs) message.message(12, infoMessage(output));
  return message;
}

function nodeMessage({ op, inputs, outputs, attributes = {}, domain }: GraphNode): Message {
  const message = new Message();
  for (const input of inputs) message.text(1, input);
  for (const output of outputs) message.text(2, output);
  message.text(4, op);
  for (const [name, attribute] of Object.entries(attributes)) message.message(5, attributeMessage(name, attribute));
  return domain === undefined ? message : message.text(7, domain);
}

function attributeMessage(name: string, attribute: Attribute): Message {
  const message = new Message().text(1, name);
  if ('float' in attribute) return message.float(2, attribute.float).int(20, 1);
  if ('int' in attribute) return message.int(3, attribute.int).int(20, 2);
  if ('graph' in attribute) return message.message(6, graphMessage(attribute.graph)).int(20, 5);
  for (const value of attribute.ints) message.int(8, value);
  return message.int(20, 7);
}

function infoMessage({ name, type, shape }: ValueInfo): Message {
  const dimensions = new Message();
  for (const n of shape) dimensions.message(1, new Message().int(1, n));
  return new Message().text(1, name).message(2, new Message().message(1, new Message().int(1, elementTypes[type]).message(2, dimensions)));
}

function constantMessage({ name, type, shape, values }: Constant): Message {
  const message = new Message();
  for (const n of shape) message.int(1, n);
  return message.int(2, elementTypes[type]).text(8, name).bytes(9, rawData(type, values));
}

function rawData(type: ElementType, values: readonly number[]): Uint8Array {
  switch (type) {
    case 'float':
      return bytesOf(Float32Array.from(values));
    case 'double':
      return bytesOf(Float64Array.from(values));
    case 'int32':
      return bytesOf(Int32Array.from(values));
    case 'int64':
      return bytesOf(BigInt64Array.from(values, BigInt));
    case 'bool':
      return Uint8Array.from(values);
  }
}

/** ONNX is little-endian, as is every machine with JavaScript on it. */
const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength);

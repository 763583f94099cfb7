/** The kinds of BTF types (Documentation/bpf/btf.rst), as this library holds them. Id 0 is void. */

export interface BtfMember {
  /** Empty for anonymous structs and unions. */
  name: string;
  type: number;
  bitOffset: number;
  /** 0: not a bit field. */
  bits: number;
}

export interface BtfEnumerator {
  name: string;
  value: bigint;
}

export interface BtfParameter {
  name: string;
  type: number;
}

export interface BtfVariable {
  type: number;
  offset: number;
  size: number;
}

interface Base {
  id: number;
  name: string;
}

export type BtfType =
  | (Base & { kind: 'void' })
  | (Base & { kind: 'int'; size: number; signed: boolean; bool: boolean; char: boolean; bits: number })
  | (Base & { kind: 'float'; size: number })
  | (Base & { kind: 'ptr'; type: number })
  | (Base & { kind: 'array'; type: number; indexType: number; length: number })
  | (Base & { kind: 'struct' | 'union'; size: number; members: BtfMember[] })
  | (Base & { kind: 'enum' | 'enum64'; size: number; signed: boolean; values: BtfEnumerator[] })
  | (Base & { kind: 'fwd'; union: boolean })
  | (Base & { kind: 'typedef' | 'const' | 'volatile' | 'restrict' | 'type_tag'; type: number })
  | (Base & { kind: 'func'; type: number; linkage: number })
  | (Base & { kind: 'func_proto'; returns: number; parameters: BtfParameter[] })
  | (Base & { kind: 'var'; type: number; linkage: number })
  | (Base & { kind: 'datasec'; size: number; variables: BtfVariable[] })
  /** `component` is the member or parameter, -1 for the type itself. */
  | (Base & { kind: 'decl_tag'; type: number; component: number });

export type BtfKind = BtfType['kind'];

/** Pipelines are compiled once per kernel and constants; bind groups are made at load; a step only sets and dispatches. */
import type { Gpu } from "./device.ts";
import { type Access, type Kernel, type KernelName, kernels } from "./kernels.ts";

/** Values of a kernel's `override` constants. */
export type Constants = Record<string, number>;

/** One kernel with its constants and buffers, ready to be dispatched with any grid. */
export interface Op {
  readonly pipeline: GPUComputePipeline;
  readonly bindings: GPUBindGroup;
}

const ENTRY_TYPES: Record<Access, GPUBufferBindingType> = { r: "read-only-storage", w: "storage", u: "uniform" };
const COMPUTE = 0x4; // GPUShaderStage.COMPUTE

/** Compiles kernels for one device, each variant once. */
export class Pipelines {
  readonly #gpu: Gpu;
  readonly #layouts = new Map<string, GPUBindGroupLayout>();
  readonly #pipelines = new Map<string, GPUComputePipeline>();

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  #layout(name: KernelName): GPUBindGroupLayout {
    const bindings: readonly Access[] = kernels[name].bindings;
    const key = bindings.join("");
    let layout = this.#layouts.get(key);
    if (!layout) {
      const entries = bindings.map((access, binding) => {
        return { binding, visibility: COMPUTE, buffer: { type: ENTRY_TYPES[access] } };
      });
      layout = this.#gpu.device.createBindGroupLayout({ label: key, entries });
      this.#layouts.set(key, layout);
    }
    return layout;
  }

  /**
   * The compiled kernel for these constants. Errors reach the device's account of failures.
   */
  get(name: KernelName, constants: Constants): GPUComputePipeline {
    const key = name + JSON.stringify(constants);
    let pipeline = this.#pipelines.get(key);
    if (!pipeline) {
      const { device } = this.#gpu;
      const { code, entry = "main" }: Kernel = kernels[name];
      const module = device.createShaderModule({ label: name, code });
      const layout = device.createPipelineLayout({ bindGroupLayouts: [this.#layout(name)] });
      pipeline = device.createComputePipeline({
        label: key,
        layout,
        compute: { module, entryPoint: entry, constants },
      });
      this.#pipelines.set(key, pipeline);
    }
    return pipeline;
  }

  /** Binds buffers, in order of @binding, to a kernel. A buffer may come with an offset and size in bytes. */
  op(name: KernelName, constants: Constants, buffers: (GPUBuffer | GPUBufferBinding)[]): Op {
    const entries = buffers.map((buffer, binding) => {
      return { binding, resource: "buffer" in buffer ? buffer : { buffer } };
    });
    const bindings = this.#gpu.device.createBindGroup({ label: name, layout: this.#layout(name), entries });
    return { pipeline: this.get(name, constants), bindings };
  }
}

/** Records one dispatch. */
export function dispatch(pass: GPUComputePassEncoder, op: Op, x: number, y = 1, z = 1): void {
  pass.setPipeline(op.pipeline);
  pass.setBindGroup(0, op.bindings);
  pass.dispatchWorkgroups(x, y, z);
}

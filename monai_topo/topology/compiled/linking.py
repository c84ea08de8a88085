"""Kernels are linked first, then optimized once: what only kernels call waits as plain LLVM code.

numba optimizes every function by itself, makes machine code of it, and optimizes it again in each function that it is
linked into. A kernel that Python never calls needs none of that before the entry kernel has taken in all that it calls,
directly or not: then the whole is optimized and made into machine code, once. That is a third of the time to compile.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
from llvmlite.binding import Linkage
from numba import _dynfunc
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering


class _EntryLibrary(JITCodeLibrary):
    """The code of an entry kernel, and in the end of all that it calls."""

    _linking_libraries: list[Any]
    _shared_module: Any

    def add_linking_library(self, library: Any) -> None:
        super().add_linking_library(library)
        if isinstance(library, _InnerLibrary):
            self._linking_libraries.extend(library.callees)

    def finalize(self) -> None:
        inner, self._linking_libraries = _parted(self._linking_libraries)
        _take_in(self._final_module, inner)
        super().finalize()


class _InnerLibrary(_EntryLibrary):
    """The code of a kernel that other kernels call: neither optimized nor made into machine code."""

    @property
    def callees(self) -> list[Any]:
        """The code of what it calls, directly or not; some of it more than once."""
        return self._linking_libraries

    @property
    def own_module(self) -> Any:
        """The code of this kernel alone."""
        return self._final_module

    def finalize(self) -> None:
        """Take no more code in."""
        self._raise_if_finalized()
        self._finalize_dynamic_globals()
        self._finalized = True

    def _get_module_for_linking(self) -> Any:
        """For a function that is compiled in numba's own way: the code of this kernel and of all that it calls."""
        self._ensure_finalized()
        if self._shared_module is None:
            inner, others = _parted(self.callees)
            module = llvm.parse_assembly(str(self._codegen._create_empty_module(self.name)))
            _take_in(module, [self, *inner])
            for library in others:
                module.link_in(library._get_module_for_linking(), preserve=True)
            self._shared_module = module
        return self._shared_module


def _parted(libraries: list[Any]) -> tuple[list[Any], list[Any]]:
    """Each library once: those of kernels, and the others."""
    each = dict.fromkeys(libraries)
    inner = [library for library in each if isinstance(library, _InnerLibrary)]
    return inner, [library for library in each if not isinstance(library, _InnerLibrary)]


def _take_in(module: Any, libraries: list[Any]) -> None:
    """Link the code of kernels into a module; what is not called or is inlined everywhere is left out of it."""
    own = {function.name for function in module.functions if not function.is_declaration}
    for library in libraries:
        module.link_in(library.own_module, preserve=True)
    # Only now: one that may be left out is not linked before it is called.
    for function in module.functions:
        if not function.is_declaration and function.linkage == Linkage.external and function.name not in own:
            function.linkage = Linkage.linkonce_odr


@register_pass(mutates_CFG=True, analysis_only=False)
class _EntryLowering(NativeLowering):
    _name = "entry_kernel_lowering"
    _library: type[_EntryLibrary] = _EntryLibrary

    def run_pass(self, state: Any) -> bool:
        if state.library is None:
            state.library = self._library(state.targetctx.codegen(), state.func_id.func_qualname)
            state.library.enable_object_caching()
        return bool(super().run_pass(state))


@register_pass(mutates_CFG=True, analysis_only=False)
class _InnerLowering(_EntryLowering):
    _name = "inner_kernel_lowering"
    _library = _InnerLibrary

    def run_pass(self, state: Any) -> bool:
        """Lower the kernel, and make it known to its callers."""
        state.flags.no_compile = True
        super().run_pass(state)
        about, no_code = state.cr.fndesc, 0
        entry = _dynfunc.make_function(about.lookup_module(), about.qualname, "", no_code, state.cr.env, ())
        state.targetctx.insert_user_function(entry, about, [state.library])
        state.reload_init.extend(state.library._reload_init)
        state.cr = state.cr._replace(cfunc=entry)
        return True


class EntryCompiler(CompilerBase):
    """numba's compiler for a kernel that Python calls."""

    _lowering: type[_EntryLowering] = _EntryLowering

    def define_pipelines(self) -> list[Any]:
        """The passes of numba, of which the one that lowers is the own one."""
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.passes = [(self._lowering if kind is NativeLowering else kind, name) for kind, name in passes.passes]
        passes.finalize()
        return [passes]


class InnerCompiler(EntryCompiler):
    """numba's compiler for a kernel that kernels call."""

    _lowering = _InnerLowering

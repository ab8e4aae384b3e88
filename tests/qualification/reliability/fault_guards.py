"""The outermost guards, by name: a fault at their very start is the program's, everything within them is not."""

_BY_KIND = {
    "stand in the place of a function that the program calls": """
        adapters.asyncio_reprs:_formatting.<locals>._format_callbacks
        adapters.asyncio_tasks:_noting.<locals>.create_task adapters.asyncio_loop_end:_settling.<locals>.ending
        adapters.asyncio_reprs:_telling.<locals>._future_repr_info adapters._kit.after_init:note.<locals>.init
        adapters.contextlib_exit_stacks:_entering.<locals>.enter_async_context
        adapters.contextlib_exit_stacks:_leaving.<locals>.leaving
        adapters._kit.pure_acquire_release:taking.<locals>.acquiring
        adapters._kit.pure_acquire_release:taking_now.<locals>.acquiring
        adapters._kit.pure_acquire_release:_giving.<locals>.releasing
        adapters._kit.pure_acquire_release:_giving_later.<locals>.releasing
        adapters.asyncio_cancelling_pure:note_requests.<locals>.telling
        _core.wrapping:match_coroutine_kind.<locals>.returning
        _patching.pure_wrappers:_entering.<locals>.entering _patching.pure_wrappers:_leaving.<locals>.leaving
        _patching.pure_wrappers:_entering_sync.<locals>.entering
        _patching.pure_wrappers:_leaving_sync.<locals>.leaving
        _patching.track:Traced.__aenter__ _patching.track:Traced.__aexit__ _patching.track:Traced.__enter__
        _patching.track:Traced.__exit__
        _patching.track:track _patching.track:tracked _rewriting.import_hook:Finder.find_spec
        _rewriting.post_import:_Finder.find_spec
        _rewriting.post_import:_find_with_later_finders _rewriting.post_import:_Loader.create_module
        _rewriting.post_import:_Loader.exec_module
        _rewriting.loaders:RewritingLoader.get_code cli.program:_hide_our_frames.<locals>.once""",
    "are called by rewritten code or by the loop, or report faults, with nothing around them": """
        _probe_api.pure_probe:begin _probe_api.pure_probe:body_raised _probe_api.pure_probe:raised
        _patching.track:traced _identify.tasks:_current_id
        adapters.asyncio_tasks:_ended _core.faults:fault""",
    "are called by the interpreter for an object that is gone": """
        _identify.resource_ids:bind.<locals>.gone _identify.resource_ids:alias.<locals>.gone
        _identify.resources:name.<locals>.gone
        _identify.tasks:_add.<locals>.gone _core.object_access:ByIdentity.put.<locals>.gone
        adapters._kit.held_tokens:_Held.__init__.<locals>.gone""",
    "are called by the interpreter at a fork or at the end, or are a thread": """
        session:_at_exit session:_before_fork session:_after_in_parent session:_after_in_child
        _sinks.shipper:Shipper._run _sinks.collector_sink:CollectorSink._run""",
    "make the program ready before it begins": """
        cli.program:load_script cli.program:execute cli.program:_code cli.program:_main_module
        cli.program:_set_first_path cli.program:_hide_our_frames""",
}
GUARDS = frozenset(f"tenure.{name}" for names in _BY_KIND.values() for name in names.split())

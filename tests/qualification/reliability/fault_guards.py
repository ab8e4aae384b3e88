"""The outermost guards, by name: a fault at their very start is the program's, everything within them is not."""

_BY_KIND = {
    "stand in the place of a function that the program calls": """
        _patching.bodies.awaited:enter.<locals>.wrapper _patching.bodies.awaited:method.<locals>.wrapper
        _patching.bodies.awaited:acquire.<locals>.wrapper _patching.bodies.awaited:function.<locals>.wrapper
        _patching.bodies.awaited:special.<locals>.wrapper _patching.bodies.awaited:callback.<locals>.wrapper
        _patching.bodies.awaited:push.<locals>.wrapper
        _patching.bodies.awaited:application.<locals>.wrapper _patching.bodies.immediate:enter.<locals>.wrapper
        _patching.bodies.immediate:method.<locals>.wrapper _patching.bodies.immediate:acquire.<locals>.wrapper
        _patching.bodies.immediate:function.<locals>.wrapper _patching.bodies.immediate:special.<locals>.wrapper
        adapters.contextlib_exit_stacks:leaving.<locals>.leaving_manager
        adapters.asyncio_reprs:_formatting.<locals>._format_callbacks
        adapters.asyncio_reprs:_telling.<locals>._future_repr_info
        adapters.asyncio_loop_end:_settling.<locals>.ending _core.wrapping:match_coroutine_kind.<locals>.returning
        _core.wrapping:_calling.<locals>.calling _core.wrapping:_Made.__call__
        _patching.track:track _patching.track:tracked _patching.track:_track_class
        _rewriting.import_hook:Finder.find_spec
        _rewriting.post_import:_Finder.find_spec
        _rewriting.post_import:_find_with_later_finders _rewriting.post_import:_Loader.create_module
        _rewriting.post_import:_Loader.exec_module
        _rewriting.loaders:RewritingLoader.get_code cli.program:_hide_our_frames.<locals>.once""",
    "are called by rewritten code or by the loop, or report faults, with nothing around them": """
        _probe_api.pure_probe:begin _probe_api.pure_probe:leaving _probe_api.pure_probe:body_raised
        _probe_api.pure_probe:raised
        _patching.track:traced _identify.tasks:_current_id
        adapters.asyncio_tasks:_ended _core.faults:fault""",
    "are called by the interpreter for an object that is gone": """
        _identify.resource_ids:ResourceIds.bind.<locals>.gone _identify.resource_ids:ResourceIds.alias.<locals>.gone
        _identify.resources:name.<locals>.gone
        _identify.tasks:_add.<locals>.gone _core.object_access:ByIdentity.put.<locals>.gone
        _core.wrapping:_Made.__del__
        adapters._kit.held_tokens:_reference_to.<locals>.gone""",
    "are called by the interpreter at a fork or at the end, or are a thread": """
        session:_at_exit session:_before_fork session:_after_in_parent session:_after_in_child
        _sinks.shipper:Shipper._run _sinks.collector_sink:CollectorSink._run""",
    "make the program ready before it begins": """
        cli.program:load_script cli.program:execute cli.program:_code cli.program:_main_module
        cli.program:_set_first_path cli.program:_hide_our_frames cli.program:execute_code
        cli.program:execute.<locals>.<lambda> cli.shadowed:give_way""",
}
GUARDS = frozenset(f"tenure.{name}" for names in _BY_KIND.values() for name in names.split())

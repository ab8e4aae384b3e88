"""The outermost guards, by name: a fault at their very start is the program's, everything within them is not."""

_BY_KIND = {
    "stand in the place of a function that the program calls": """
        adapters.asyncio_reprs:_formatting.<locals>._format_callbacks
        adapters.asyncio_tasks:_noting.<locals>.create_task
        adapters.asyncio_reprs:_telling.<locals>._future_repr_info adapters.made:note.<locals>.init
        adapters.exit_stacks:_entering.<locals>.enter_async_context adapters.exit_stacks:_leaving.<locals>.leaving
        adapters.call_wrappers:taking.<locals>.acquiring adapters.call_wrappers:taking_now.<locals>.acquiring
        adapters.call_wrappers:_giving.<locals>.releasing adapters.call_wrappers:_giving_later.<locals>.releasing
        adapters.cancelling_calls:tell.<locals>.telling unnoticed:shaped.<locals>.returning
        wrappers:_entering.<locals>.entering wrappers:_leaving.<locals>.leaving
        wrappers:_entering_now.<locals>.entering wrappers:_leaving_now.<locals>.leaving
        tracking:Traced.__aenter__ tracking:Traced.__aexit__ tracking:Traced.__enter__ tracking:Traced.__exit__
        tracking:track tracking:tracked importhook:Finder.find_spec adapters.imported:_Finder.find_spec
        adapters.imported:_found_by_others adapters.imported:_Loader.create_module adapters.imported:_Loader.exec_module
        loaders:RewritingLoader.get_code program:_hide_our_frames.<locals>.once""",
    "are called by those, or by rewritten code, and let nothing out": """
        adapters.asyncio_tasks:_creating adapters.asyncio_tasks:_created adapters.asyncio_tasks:_ended
        adapters.asyncio_tasks:_forget_our_frame adapters.exit_stacks:_begin adapters.exit_stacks:_watch_exit
        adapters.call_wrappers:_begin adapters.call_wrappers:came_back adapters.call_wrappers:_given_back
        wrappers:_begin wrappers:_remember wrappers:_recall wrappers:raised_in_body unnoticed:without_frame
        twin:begin twin:enter_at twin:body_raised twin:raised twin:acquired twin:leaving twin:released twin:failed
        tracking:traced tracking:Traced._begin tasks:_current_id tasks:find probe:enter buffer:fault""",
    "are called by the interpreter for an object that is gone": """
        identity:remember.<locals>.gone identity:lend.<locals>.gone resources:name.<locals>.gone
        tasks:_add.<locals>.gone looking:ByIdentity.put.<locals>.gone adapters.held:_Held.__init__.<locals>.<lambda>""",
    "are called by the interpreter at a fork or at the end, or are a thread": """
        session:_at_exit session:_before_fork session:_after_in_parent session:_after_in_child
        shipping:Shipper._run collector:Collector._run""",
    "make the program ready before it begins": """
        program:script program:execute program:_code program:_main_module program:_set_first_path
        program:_hide_our_frames loaders:RewritingLoader.__init__
        selection:Selection.__init__ selection:Selection.add_root""",
}
GUARDS = frozenset(f"tenure.{name}" for names in _BY_KIND.values() for name in names.split())

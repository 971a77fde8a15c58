#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real chat templates, rendered by the engine and by jinja2 as transformers configures it.

    LW_CHAT_TEMPLATES=FOLDER tests/chat/compare-templates.py build/tests/chat/render-template [--verbose]

FOLDER holds the models' templates as *.jinja.  They are other people's text and not kept here; without the
folder, or without jinja2, the test is skipped (exit status 77).  Every template is run with conversations,
tools and tool calls; a template that refuses a conversation in jinja2 must not give another result here.
Templates that use what the interpreter leaves out on purpose are listed in LEFT_OUT.
"""
import datetime
import hashlib
import json
import os
import subprocess
import sys

folder = os.environ.get('LW_CHAT_TEMPLATES')
if not folder:
    print('skipped: LW_CHAT_TEMPLATES names no folder of templates')
    sys.exit(77)
try:
    import jinja2
    import jinja2.ext
    from jinja2.sandbox import ImmutableSandboxedEnvironment
except ImportError:
    print('skipped: this Python has no jinja2')
    sys.exit(77)

DATE = 1795694400  # 12:00 UTC on 26 November 2026
# Template -> what it needs that the interpreter has not.
LEFT_OUT = {
    'meetkai-functionary-medium-v3.1.jinja': 'what is joined to a text marked safe is escaped for HTML',
}


class Generation(jinja2.ext.Extension):
    tags = {'generation'}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(['name:endgeneration'], drop_needle=True)
        return jinja2.nodes.Scope(body).set_lineno(line)


def environment():
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True,
                                        extensions=[Generation, jinja2.ext.loopcontrols])

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators,
                          sort_keys=sort_keys)

    def strftime_now(form):
        return datetime.datetime.fromtimestamp(DATE).strftime(form)

    env.filters['tojson'] = tojson
    env.globals['raise_exception'] = raise_exception
    env.globals['strftime_now'] = strftime_now
    return env


def turn(role, content, **more):
    return {'role': role, 'content': content, **more}


TOOLS = [{'type': 'function', 'function': {
    'name': 'weather', 'description': 'Weather at a "place"\nnow.',
    'parameters': {'type': 'object', 'required': ['place'], 'properties': {
        'place': {'type': 'string', 'description': 'Käse <b>'},
        'unit': {'type': 'string', 'enum': ['C', 'F'], 'default': 'C'},
        'days': {'type': 'array', 'items': {'type': 'integer'}},
    }}}}]


def call(id_):
    return {'id': id_, 'type': 'function', 'function': {
        'name': 'weather', 'arguments': {'place': 'Ulm', 'days': [1, 2], 'deep': {'a': None, 'b': 1.5, 'c': True}}}}


CHATS = {
    'question': [turn('user', ' What is\n this? \n')],
    'system': [turn('system', ' Be brief. '), turn('user', 'Hi')],
    'talk': [turn('system', 'Be brief.'), turn('user', 'Hi'), turn('assistant', ' Hello. \n'),
             turn('user', 'And "now"? <|im_end|> é 日本 \\ {{ x }}')],
    'no-system': [turn('user', 'Hi'), turn('assistant', 'Hello.'), turn('user', 'More')],
    'thought': [turn('user', '1'), turn('assistant', '<think>\nhm\n</think>\n\n2'), turn('user', '3')],
    'answered': [turn('user', '1'), turn('assistant', '<think>\nhm\n</think>\n\n2')],
    'tool': [turn('user', 'Weather?'), turn('assistant', 'Let me see.'), turn('tool', '{"t": 20}'),
             turn('tool', 'dry')],
    'long': [turn('user' if i % 2 == 0 else 'assistant', f'message {i}') for i in range(41)],
}
CALLS = {
    'call': [turn('user', 'Weather?'), turn('assistant', '', tool_calls=[call('call00001')]),
             turn('tool', '{"t": 20}', name='weather', tool_call_id='call00001'),
             turn('assistant', 'Twenty.'), turn('user', 'Thanks')],
    'call-none': [turn('system', 'S'), turn('user', 'Weather?'),
                  turn('assistant', None, tool_calls=[call('call00001'), call('call00002')]),
                  turn('tool', '20', name='weather', tool_call_id='call00001'),
                  turn('tool', '21', name='weather', tool_call_id='call00002')],
    'parts': [turn('user', [{'type': 'text', 'text': 'What'}, {'type': 'image'}, {'type': 'text', 'text': 'is'}])],
    'reasoned': [turn('user', 'a'), turn('assistant', 'b', reasoning_content='c'), turn('user', 'd')],
}


def contexts():
    base = {'bos_token': '<s>', 'eos_token': '</s>', 'tools': None, 'documents': None}
    for name, messages in {**CHATS, **CALLS}.items():
        for generate in (True, False):
            yield name, {**base, 'messages': messages, 'add_generation_prompt': generate}
        yield name + '+tools', {**base, 'messages': messages, 'add_generation_prompt': True, 'tools': TOOLS}
    for thinking in (True, False):
        yield f'thinking={thinking}', {**base, 'messages': CHATS['thought'], 'add_generation_prompt': True,
                                       'enable_thinking': thinking}


def expected(template, context):
    try:
        return {'text': template.render(**context)}
    except Exception as e:  # whatever goes wrong in a template
        return {'error': f'{type(e).__name__}: {e}'}


def ask(program, path, requests):
    run = subprocess.run([program, path], input=json.dumps(requests), capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def main():
    program, verbose = sys.argv[1], '--verbose' in sys.argv
    bad = total = 0
    for file in sorted(os.listdir(folder)):
        if not file.endswith('.jinja'):
            continue
        path = os.path.join(folder, file)
        source = open(path, encoding='utf-8').read()
        digest = hashlib.sha256(source.rstrip().encode()).hexdigest()
        template = environment().from_string(source)
        cases = list(contexts())
        got = ask(program, path, [{'context': c, 'date': DATE} for _, c in cases])
        failed = []
        for (name, context), answer in zip(cases, got):
            want = expected(template, context)
            total += 1
            if answer.get('text') != want.get('text'):
                failed.append((name, want, answer))
        # The same through the door that sessions use: a family, or the template itself.
        bos = {'google-gemma': '<bos>', 'meta-llama': '<|begin_of_text|>'}.get(
            '-'.join(file.split('-')[:2]), '<s>')
        eos = '<|endoftext|>' if 'Phi' in file else '</s>'
        chats = [(n, {**c, 'bos_token': bos, 'eos_token': eos}) for n, c in cases if n in CHATS or 'thinking' in n]
        answers = ask(program, path, [{'chat': c, 'date': DATE} for _, c in chats])
        refused = 0
        for (name, context), answer in zip(chats, answers):
            want = expected(template, context)
            total += 1
            if 'error' in want or name == 'tool' or 'warning' in answer:
                refused += 1  # we find a form for it; a family that was assumed need not be right
            elif answer.get('text') != want['text']:
                failed.append(('chat ' + name, want, answer))
        known = ' ' + digest if verbose else ''
        print(f'{file}: {answers[0]["family"]}, {len(failed)} differences{known}'
              + (f' ({answers[0]["warning"]})' if 'warning' in answers[0] else ''))
        if file in LEFT_OUT:
            continue
        bad += len(failed)
        for name, want, answer in failed[: None if verbose else 1]:
            print(f'  {name}\n    jinja2: {json.dumps(want)[:600]}\n    engine: {json.dumps(answer)[:600]}')
    print(f'{total} renderings, {bad} differences')
    sys.exit(1 if bad else 0)


main()

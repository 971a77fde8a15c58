#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes cases.json: templates of our own that use what real chat templates use, and what jinja2, configured
as transformers configures it, makes of them.  Needs jinja2; run in this folder:  TZ=UTC ./make-cases.py

The committed file was made with Python 3.11.7 and jinja2 as the file itself says.  A template that jinja2
refuses has "error" instead of "expected"; the engine must refuse it too (with its own words).
"""
import datetime
import json
import sys

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

DATE = 1795694400  # 12:00 UTC on 26 November 2026


class Generation(jinja2.ext.Extension):
    tags = {'generation'}

    def parse(self, parser):
        line = next(parser.stream).lineno
        return jinja2.nodes.Scope(parser.parse_statements(['name:endgeneration'], drop_needle=True)).set_lineno(line)


env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True,
                                    extensions=[Generation, jinja2.ext.loopcontrols])


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


env.filters['tojson'] = lambda x, ensure_ascii=False, indent=None, separators=None, sort_keys=False: json.dumps(
    x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
env.globals['raise_exception'] = raise_exception
env.globals['strftime_now'] = lambda form: datetime.datetime.fromtimestamp(DATE).strftime(form)

TALK = [{'role': 'system', 'content': ' Be brief. '}, {'role': 'user', 'content': 'Hi\n there é日本 <|end|>'},
        {'role': 'assistant', 'content': '<think>\nhm, "x"\n</think>\n\nHello.\n'},
        {'role': 'tool', 'content': '{"a": [1, 2]}'}, {'role': 'user', 'content': ''}]
BASE = {
    'messages': TALK, 'bos_token': '<s>', 'eos_token': '</s>', 'add_generation_prompt': True, 'tools': None,
    'text': ' <|im_start|>One two,two  three\t\n', 'name': 'ada LOVELACE-byron', 'empty': '', 'zero': 0, 'n': 7,
    'half': 2.5, 'yes': True, 'no': False, 'nothing': None, 'numbers': [3, 1, 2], 'words': ['b', 'A', 'c', 'a'],
    'tool': {'name': 'weather', 'arguments': {'place': 'K\u00e4se "x"\\\n\t\u0001', 'days': [1, 2.0, None, True],
                                              'deep': {'b': {}, 'a': []}}},
    'people': [{'name': 'Bo', 'age': 9, 'tag': {'x': 1}}, {'name': 'al', 'age': 30, 'tag': {'x': 2}},
               {'name': 'Cy', 'age': 9}],
}

CASES = {
    'chatml': """{%- for message in messages %}
    {{- '<|im_start|>' + message.role + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
""",
    'white-space': "a\n  {% if yes %}  \n  b {{ n }}\n  {% endif %}\nc {%- if yes -%}  d  {%- endif %}\n\n"
                   "{# comment #}\n   {#- x -#}   e\n{%+ if yes %}f{% endif +%}\ng\n\n",
    'white-space-2': "  {% for m in numbers %}\n  {{ m }}\n\t{% endfor %}\n {% raw %} {{ x }}\n{% endraw %}\nend\n",
    'line-ends': "a\r\n{% if yes %}\r\nb\rc\r\n{% endif %}\r\n",
    'escapes': r"""{{ 'a\n\t\'"\\\x41\u00e9\101' ~ "\"\q" 'joined' }}""",
    'precedence': "{{ 1 + 2 * 3 - 4 // 3 }} {{ 2 ** 3 ** 2 }} {{ -2 ** 2 }} {{ 7 % 3 ~ 1 * 2 }} {{ not yes or yes and no }}"
                  " {{ 1 < 2 < 3 }} {{ 1 < n > 9 }} {{ 'a' in 'cab' and 4 not in numbers }} {{ 10 / 4 }} {{ -7 // 2 }}"
                  " {{ -7 % 3 }} {{ 7.5 // 2 }} {{ 7 if no else 8 if no else 9 }} {{ 'x' if no }}|",
    'numbers': "{{ 1e3 }} {{ 0.1 + 0.2 }} {{ 1.0 }} {{ 1e16 }} {{ 1e-5 }} {{ 123456789.125 }} {{ 0x1F }} {{ 1_000 }}"
               " {{ 5 | float }} {{ '42.9' | int }} {{ 'x' | int(-1) }} {{ '0x1F' | int(base=16) }} {{ half | round }}"
               " {{ 2.675 | round(2) }} {{ -3 | abs }} {{ true + 1 }} {{ 3 == 3.0 }} {{ 100000000000 * 1000 }}",
    'values': "{{ none }} {{ true }} {{ nothing }} {{ numbers }} {{ (1,) }} {{ (1, 'a') }} {{ {'a': 1, 'b': [none]} }}"
              " {{ [\"it's\", 'q\"', '\\n'] }} {{ undefined_thing }}|{{ [] }}{{ {} }}",
    'text-methods': "{{ text.strip() }}|{{ text.lstrip() }}|{{ text.rstrip('\\n') }}|{{ 'xxaxx'.strip('x') }}|"
                    "{{ text.split() }}|{{ text.split(',') }}|{{ 'a,b,c'.split(',', 1) }}|{{ 'a,b,c'.rsplit(',', 1) }}|"
                    "{{ ' a b  c '.split(none, 1) }}|{{ 'a b c d'.rsplit(maxsplit=2) }}|{{ text.upper() }}|{{ name.lower() }}|"
                    "{{ name.title() }}|{{ name.capitalize() }}|{{ name|title }}|{{ text.replace('two', '2', 1) }}|"
                    "{{ 'abcabc'.find('c') }} {{ 'é日本c'.find('c') }} {{ 'abcabc'.rfind('c') }} {{ 'abc'.find('x') }} {{ 'aXbX'.count('X') }}|"
                    "{{ text.startswith(' <') }} {{ text.endswith(('x', '\\n')) }} {{ '-'.join(words) }}|"
                    "{{ 'prefix'.removeprefix('pre') }} {{ 'a\\nb\\r\\nc\\n'.splitlines() }} {{ '12'.isdigit() }} {{ ''.isdigit() }}",
    'slices': "{{ text[1:5] }}|{{ text[-4:] }}|{{ text[::-1] }}|{{ numbers[1:] }} {{ numbers[::-1] }} {{ numbers[-2] }}"
              " {{ numbers[9] }}|{{ 'é日本'[1] }} {{ 'é日本'[:2] }} {{ 'é日本'[-1:] }} {{ numbers[5:1:-1] }} {{ numbers[:-1] }}"
              " {{ 'abcdef'[4:1:-2] }} {{ 'abcdef'[::2] }} {{ messages[::-1][0].role }}",
    'filters': "{{ text | trim }}|{{ text|upper }}|{{ words | join(', ') }}|{{ people|map(attribute='name')|join('/') }}|"
               "{{ numbers | length }} {{ '日本' | length }} {{ tool | length }}|{{ nix | default('d') }} {{ empty | default('d', true) }}"
               " {{ empty|default('d') }}|{{ numbers|first }} {{ words|last }} {{ 'ab' | list }} {{ numbers|reverse|list }}|"
               "{{ 'a-b' | replace('-', '+') }}|{{ '<&>' | e }}|{{ 'x' | safe }} {{ 5 | string + '6' }}|{{ 'a\\nb\\n\\nc' | indent }}|"
               "{{ 'a\\nb' | indent(2, true) }}|{{ 'a\\n\\nb' | indent('> ', blank=true) }}|{{ numbers|sum if no else numbers|max }} {{ numbers|min }}",
    'order': "{{ words|sort }} {{ words|sort(case_sensitive=true) }} {{ numbers|sort(reverse=true) }} "
             "{{ people|sort(attribute='age')|map(attribute='name')|list }} {{ tool.arguments.deep|dictsort }} {{ words|unique|list }} "
             "{{ {'b': 1, 'A': 3, 'c': 2}|dictsort }} {{ {'b': 1, 'A': 3}|dictsort(by='value') }} {{ {'b': 1, 'A': 3}|dictsort(true) }}",
    'choose': "{{ people|selectattr('age', 'equalto', 9)|map(attribute='name')|list }} {{ people|rejectattr('tag')|list|length }}"
              " {{ numbers|select('gt', 1)|list }} {{ numbers|reject('odd')|list }} {{ words|map('upper')|list }}"
              " {{ people|map(attribute='tag.x', default='-')|list }} {{ people|selectattr('name', 'in', ['Bo', 'Cy'])|list|length }}"
              " {{ nothing|select|list }} {% if people|selectattr('age', 'gt', 99) %}a generator is true{% endif %}",
    'tests': "{% for v in [nothing, yes, 1, 1.5, 'a', numbers, tool, nix] %}{{ v is defined }}{{ v is none }}{{ v is string }}"
             "{{ v is mapping }}{{ v is iterable }}{{ v is sequence }}{{ v is number }}{{ v is boolean }}{{ v is true }}{{ v is integer }}"
             "{{ v is float }}{{ v is undefined }}{{ v is not none }};{% endfor %}{{ 3 is odd }} {{ 4 is divisibleby 2 }} {{ 1 is in [1] }} {{ n is eq 7 }}"
             " {{ not nix is defined }} {{ yes is sameas true }} {{ 2 is ge(2) }}",
    'json': "{{ tool | tojson }}\n{{ tool | tojson(indent=2) }}\n{{ tool | tojson(ensure_ascii=true, sort_keys=true) }}\n"
            "{{ [] | tojson(indent=4) }} {{ {'k': []} | tojson(separators=(',', ':')) }} {{ 'a/b</x>\\u2028🙂' | tojson }} {{ '🙂' | tojson(true) }} {{ 1e22|tojson }}",
    'maps': "{% for k, v in tool.items() %}{{ k }}={{ v }};{% endfor %}{% for k in tool %}{{ k }} {% endfor %}{{ tool.get('name') }}"
            " {{ tool.get('x') }} {{ tool.get('x', 'y') }} {{ tool.keys()|list }} {{ tool['name'] }} {{ 'name' in tool }} {{ tool.x is defined }}"
            " {% for k, v in tool.arguments|items %}{{ loop.index }}{{ k }}{% endfor %} {{ dict(a=1).a }}"
            " {{ {0: 'zero', 'x': 1}[0] }} {{ {1: 'a'}.get(1) }} {{ {2: 3}|tojson }} {{ {2: 3} }}",
    'loops': "{% for x in words %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}"
             "{{ loop.length }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.cycle('o', 'e') }}{{ x }};{% else %}none{% endfor %}"
             "{% for x in [] %}x{% else %}none{% endfor %}{% for x in numbers if x > 1 %}{{ loop.index }}:{{ x }}{% endfor %}"
             "{% for a, b in [(1, 2), (3, 4)] %}{{ a + b }} {% endfor %}{% for i in range(3) %}{% if i == 1 %}{% continue %}{% endif %}{{ i }}{% endfor %}"
             "{% for i in range(2, 9, 3) %}{% if i > 6 %}{% break %}{% endif %}{{ i }}{% endfor %}{% for c in 'é日' %}[{{ c }}]{% endfor %}"
             "{% for x in numbers %}{% for y in numbers %}{{ loop.depth }}{{ loop.first }}{% endfor %}{% endfor %}",
    'scopes': "{% set x = 1 %}{% for i in numbers %}{% set x = x + i %}{{ x }} {% endfor %}{{ x }}{% if yes %}{% set x = 5 %}{% endif %}{{ x }}"
              "{% set ns = namespace(count=0, seen=[]) %}{% for i in numbers %}{% set ns.count = ns.count + i %}{% set ns.seen = ns.seen + [i] %}{% endfor %}"
              "{{ ns.count }} {{ ns.seen }}{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set block %}[{{ a }}\n]{% endset %}{{ block }}"
              "{% set up | upper %}abc{{ b }}{% endset %}{{ up }}{% with q = 3, w = 4 %}{{ q + w }}{% endwith %}{{ q }}|"
              "{% set messages = messages[1:] %}{{ messages|length }}{% filter upper %}quiet{% endfilter %}",
    'macros': "{% macro tag(name, body='-', n=1) %}<{{ name }}>{{ body * n }}</{{ name }}>{% endmacro %}{{ tag('a') }}{{ tag('b', n=2) }}"
              "{{ tag(body='x', name='c') | upper }}{% macro down(i) %}{{ i }}{% if i > 0 %}{{ down(i - 1) }}{% endif %}{% endmacro %}{{ down(3) }}"
              "{% macro outer() %}{{ yes }}{% set yes = 1 %}{{ yes }}{% endmacro %}{{ outer() }}{{ yes }}{{ tag() }}",
    'thinking': "{% for m in messages %}{% set c = m.content %}{% if m.role == 'assistant' and '</think>' in c %}"
                "{% set c = c.split('</think>')[-1].lstrip('\\n') %}{% set r = m.content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}"
                "[{{ r }}]{% endif %}{{ m.role }}:{{ c | trim }}\n{% endfor %}",
    'date': "{{ strftime_now('%d %b %Y') }} {{ strftime_now('%Y-%m-%d %H:%M:%S %A %B %j %p %I %y %%') }}"
            "{% if strftime_now is defined %}+{% endif %}",
    'generation': "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}\n{% endfor %}",
    'bos': "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set offset = 1 %}{% else %}{% set offset = 0 %}{% endif %}"
           "{% for message in messages[offset:] %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}odd {% endif %}"
           "{{ message['role'] ~ ': ' ~ message['content'] | trim }}{{ eos_token if loop.last }}{% endfor %}",
    'neighbours': "{% for m in messages %}{% if loop.first or messages[loop.index0 - 1].role != 'tool' %}<{{ m.role }}{% endif %}"
                  "{% if loop.last or (messages[loop.index0 + 1].role != 'tool') %}>{% endif %}{% endfor %}"
                  "{{ messages[-1].role }}{{ (messages | last)['role'] }}{{ (messages|selectattr('role', 'equalto', 'tool')|list)[0].content }}",
    # What jinja2 refuses, we refuse.
    'refuse-raise': "a{{ raise_exception('no ' + messages[0].role) }}",
    'refuse-attribute': "{{ nix.attribute }}",
    'refuse-add': "{{ 'a' + 1 }}",
    'refuse-add-undefined': "{{ 'a' + nix }}",
    'refuse-iterate': "{% for x in 5 %}{% endfor %}",
    'refuse-end': "{% if yes %}",
    'refuse-tag': "{% nonsense %}",
    'refuse-filter': "{{ 1 | nonsense }}",
    'refuse-order': "{{ 1 < 'a' }}",
    'refuse-append': "{{ numbers.append(4) }}",
    'refuse-call': "{{ name() }}",
    'refuse-json': "{{ nix | tojson }}",
    'refuse-unpack': "{% for a, b in [(1, 2, 3)] %}{% endfor %}",
    'refuse-set': "{% set tool.x = 1 %}",
    'refuse-zero': "{{ 1 // zero }}",
    'refuse-string': "{{ 'abc }}",
    'refuse-bracket': "{{ (1 }}",
}

out = {'python': sys.version.split()[0], 'jinja2': jinja2.__version__, 'date': DATE, 'context': BASE, 'cases': []}
for name, template in CASES.items():
    case = {'name': name, 'template': template}
    try:
        case['expected'] = env.from_string(template).render(**BASE)
    except Exception as e:
        case['error'] = f'{type(e).__name__}: {e}'
        assert name.startswith('refuse'), (name, e)
    else:
        assert not name.startswith('refuse'), name
    out['cases'].append(case)
with open('cases.json', 'w', encoding='utf-8') as f:
    json.dump(out, f, ensure_ascii=False, indent=1)
    f.write('\n')

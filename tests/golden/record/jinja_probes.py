"""Makes jinja.json: small templates of every kind, and what jinja2 makes of them as transformers sets it up; null where it refuses.

    python tests/golden/record/jinja_probes.py OUT_DIR

It needs transformers==5.24.0 and jinja2==3.1.6. Of the combinations of values with filters, tests, operators and methods every
STEP-th is kept, of those written by hand all.
"""
import itertools

from common import arguments, out_folder, write_json
from templates import render

STEP = 7
VARIABLES = dict(n=5,neg=-7,z=0,h=2.5,s="Héllo wörld",e="",sp="  \t x y\n ",l=[3,1,2],ll=[[1,"a"],[2,"b"]],d={"b":1,"a":None,"items":[1],"c":{"x":"y"}},t=True,f=False,no=None,em="a😀b😀c",q="it's \"q\" \\ \n\x07 é\u200b\u00a0",
 ms=[{"role":"user","content":"Hi","n":2},{"role":"assistant","content":"Yo","n":1,"k":None},{"role":"User","content":"","n":3}],big=1e300,tiny=1.5e-7,mil=1234567.891,csv="a,b,,c",num="42",fnum="3.7",up="ABC",title="hello world-wide (big) o'neil",nested=[[1,[2,[3]]],{"k":[1]}],lines="one\ntwo\r\nthree\n\nfive\n",tag="<|im_end|>",
 date="ctx",keyword="kw")
PROBES = []
add = PROBES.append
vals=["n","neg","z","h","s","e","sp","l","ll","d","t","f","no","em","q","ms","nope","big","tiny","mil","num","fnum","up","title","nested","lines","(1,2)","(1,)","()","[]","{}","range(3)","d.items()","d.keys()","l|map('string')","l|select('odd')","ms|map(attribute='role')","namespace(a=1)","'<b>'|safe"]
for v in vals:
    add('{{ %s }}'%v)
    add("{{ 'y' if %s else 'n' }}"%v)
    for fl in ["abs","capitalize","center(11)","count","default('D')","default('D',true)","d('q')","dictsort","dictsort(reverse=true)","dictsort(by='value')","float","float(1)","first","last","int","int(9)","int(base=16)","items|list","join","join(', ')","length","list","lower","upper","title","trim","trim('Hd')","max","min","reverse|list","reverse","round","round(1)","round(-1)","round(2,'ceil')","round(0,'floor')","sort","sort(reverse=true)","sort(case_sensitive=true)","string","sum","tojson","tojson(indent=2)","tojson(sort_keys=true)","tojson(ensure_ascii=true)","tojson(separators=(',',':'))","truncate(5)","truncate(5,true)","truncate(6,false,'..',0)","unique|list","upper","urlencode","wordcount","indent","indent(2,true)","indent('>',blank=true)","replace('l','L')","replace('','-')","batch(2)|list","batch(2,'x')|list","slice(2)|list","slice(2,'x')|list","map('upper')|list","map('string')|join('|')","select|list","reject('odd')|list","select('string')|list","map('length')|list","format(1)","escape","e","escape+'<'","safe","safe~'<'","safe+'<'"]:
        add('{{ %s|%s }}'%(v,fl))
    for ts in ["boolean","callable","defined","even","false","float","integer","iterable","lower","mapping","none","number","odd","sequence","string","true","undefined","upper","divisibleby(3)","divisibleby 2","eq 5","==5","in [5,none]","in l","ge 2","lt(3)","sameas true","sameas none","ne ''","not none"]:
        add("{{ %s is %s }}"%(v,ts))
for a,b in itertools.product(vals[:30],["n","h","s","e","l","(1,2)","d","t","no","nope","z","ll","2","'l'","-2"]):
    for op in ["+","-","*","/","//","%","**","~","==","!=","<","<=",">",">=","in","not in","and","or"]:
        add("{{ %s %s %s }}"%(a,op,b))
strs=["s","e","sp","em","q","csv","up","title","lines","'aXbXc'","'ǆ'","'ß'","'ΑΣ ΟΔΟΣ'","'İ'","'12²'","'½'","'__a__'","'+12'","'\\u2028x\\ufeff'"]
for v in strs:
    for m in ["capitalize()","casefold()","center(9)","center(9,'*')","center(10,'*')","count('l')","count('')","endswith('d')","endswith(('x','d'))","find('o')","find('z')","find('o',5)","find('o',2,4)","index('o')","isalnum()","isalpha()","isascii()","isdecimal()","isdigit()","islower()","isnumeric()","isprintable()","isspace()","istitle()","isupper()","join(['a','b'])","join('xy')","ljust(15,'.')","rjust(15)","lower()","upper()","swapcase()","title()","lstrip()","rstrip()","strip()","strip(' x')","lstrip('aHé')","rstrip('dc\n')","partition('o')","rpartition('o')","removeprefix('H')","removesuffix('d')","replace('o','0')","replace('','.')","replace('o','0',1)","replace('','.',2)","rfind('o')","rindex('o')","split()","split(none,1)","split(maxsplit=1)","split(',')","split('o',1)","split('X')","rsplit()","rsplit(none,1)","rsplit(',',1)","rsplit('X',1)","rsplit('X',0)","split('X',0)","split('')","splitlines()","splitlines(true)","startswith('H')","startswith(('a','  '))","startswith('l',2)","zfill(7)","encode()","format(1)","nope()","strip(1)","split(sep=' ')","replace(old='o',new='0')"]:
        add("{{ %s.%s }}"%(v,m))
    for sl in ["[0]","[-1]","[1:3]","[::-1]","[:-1]","[-3:]","[5:1]","[::2]","[1:99]","[99]","['upper']()","[1:3:-1]","[3:0:-1]"]:
        add("{{ %s%s }}"%(v,sl))
for v in ["l","(1,2,3)","ms","nested","range(5)"]:
    for sl in ["[0]","[-1]","[1:]","[::-1]","[:-1]","[5]","[0:9:2]","[-2:]",".0","[true]","['x']","[1.0]"]:
        add("{{ %s%s }}"%(v,sl))
for f in ["%s","%r","%a","%d","%5d","%-5d|","%05d","%+d","% d","%x","%X","%#x","%o","%f","%.2f","%8.3f","%-8.1f|","%e","%.3e","%g","%G","%.3g","%#g","%%","%c","%i","%5s","%-5s|","%.2s","%(a)s","%z","%","%*d"]:
    for v in ["n","neg","h","s","q","l","d","(1,2)","(n,)","no","t","big","tiny","mil","nope","em","0","0.5","1e22","123456789"]:
        add("{{ '%s' %% %s }}"%(f,v))
for f in ["{}","{0}","{:d}","{:5}|","{:<5}|","{:>5}|","{:^6}|","{:*^9}|","{:05}","{:+}","{: }","{:,}","{:_}","{:x}","{:#x}","{:b}","{:o}","{:.2f}","{:10.1f}|","{:,.2f}","{:e}","{:g}","{:.3}","{:%}","{:.1%}","{!r}","{!s:>9}|","{!a}","{{}}","{{{}}}","{","}","{a}","{0.real}","{0[0]}","{0[a]}","{:s}","{:n}","{:c}","{:020,}","{:=+6}","{:08.2f}","{:{}}","{1}","{:z}"]:
    for v in ["n","neg","h","s","l","d","(1,2)","no","t","big","tiny","mil","nope","em","123456789"]:
        add("{{ '%s'.format(%s) }}"%(f,v))
L='''{{ "{} {}".format(1,"a") }}|{{ "{1} {0}".format(1,2) }}|{{ "{a} {b[x]}".format(a=1,b=d.c) }}|{{ "{a}".format_map({"a":2}) }}
{{ "%s-%s" % (1, "b") }}|{{ "%(x)s %(y)05.1f" % {"x":1,"y":2.25} }}|{{ "%s %s"|format(1,2) }}|{{ "%(a)s"|format(a=3) }}
{{ 1 < 2 < 3 }} {{ 3 > 2 > 2 }} {{ (1 < 2) < 3 }} {{ 1 == 1 != 2 }} {{ 1 in l in ll }}
{{ 1 + 2 ~ 3 }}
{{ 'a' ~ 1 + 2 }}
{{ 2 ** 3 ** 2 }} {{ -2 ** 2 }} {{ -n|abs }} {{ not n == 5 }} {{ not 1 in l }} {{ 7 // 2 * 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ 7.5 // 2 }} {{ -7.5 % 2 }}
{{ 1 if f }}|{{ 1 if f else 2 if f else 3 }}|{{ (1 if f) is defined }}
{{ [1, 2,] }} {{ (1,) }} {{ () }} {{ {'a': 1,} }} {{ {} }} {{ 1, 2 }} {{ [] or {} or 0 or 'x' }}
{{ 'a' 'b' "c" }} {{ 'it\\'s' }} {{ "\\x41\\u00e9\\n\\t\\q\\101" }}
{{ 1e3 }} {{ 1_000 }} {{ 0x1F }} {{ 0b11 }} {{ 0o17 }} {{ 1.5e-7 }} {{ 1e16 }} {{ 123456789012345.0 }} {{ 1e15 }} {{ 0.1 + 0.2 }} {{ 1/3 }} {{ 10/2 }} {{ 2**0.5 }} {{ 2**-1 }}
{% for x in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}{{ loop.depth0 }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.cycle('a','b') }}{{ loop.changed(x > 1) }};{% endfor %}
{% for x in l if x > 1 %}{{ loop.index }}/{{ loop.length }}:{{ x }} {% else %}none{% endfor %}
{% for x in l if x > 9 %}{{ x }}{% else %}none{% endfor %}
{% for x in l %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% if x == 2 %}{% break %}{% endif %}{% endfor %}
{% for x in l %}{% break %}{% else %}else{% endfor %}
{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}{% for k in d %}{{ k }}{% endfor %}
{% for a, b in ll %}{{ a }}{{ b }}{% endfor %}{% for (a, b) in ll %}{{ a }}{% endfor %}{% for a, (b, c) in [(1,(2,3))] %}{{ a+b+c }}{% endfor %}
{% for a, b in [[1]] %}{{ a }}{% endfor %}
{% for a in 5 %}{% endfor %}
{% for a in none %}{% endfor %}
{% for a in nope %}x{% else %}E{% endfor %}
{% for c in em %}[{{ c }}]{% endfor %}
{% for x in nested recursive %}{% if x is iterable and x is not mapping and x is not string %}({{ loop(x) }}){% else %}{{ x }}@{{ loop.depth }}{% endif %}{% endfor %}
{% set x = 1 %}{% for i in l %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}
{% set ns = namespace(x=1) %}{% for i in l %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}{{ ns.y is defined }}{{ ns }}
{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set (c, d2) = (3, 4) %}{{ c }}{{ d2 }}
{% set d.x = 1 %}
{% set x %}A{{ n }}{% endset %}{{ x }}{{ x|length }}{% set y | upper | trim %} ab {% endset %}[{{ y }}]
{% macro m(a, b=2, c=a) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(1) }}{{ m(1, c=9) }}{{ m(b=3, a=4) }}{{ m() }}
{% macro m(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1,2,3,x=4) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1,2) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(x=2) }}
{% macro m(a) %}{{ a is defined }}{{ a|default('q') }}{% endmacro %}{{ m() }}{{ m(none) }}{{ m|string|length > 3 }}
{% macro w() %}<{{ caller() }}>{% endmacro %}{% call w() %}in{{ n }}{% endcall %}{{ w() }}
{% macro w() %}<{{ caller(1, 2) }}>{% endmacro %}{% call(a, b) w() %}{{ a + b }}{% endcall %}
{% macro fact(n) %}{{ 1 if n < 2 else n * (fact(n - 1)|int) }}{% endmacro %}{{ fact(6) }}
{% macro m() %}{{ later }}{{ date }}{% endmacro %}{% set later = 'L' %}{{ m() }}
{% with a = 1, b = 2 %}{{ a + b }}{% set q2 = 5 %}{% endwith %}{{ q2 is defined }}{% with n = n + 1 %}{{ n }}{% endwith %}{{ n }}
{% with a = 1, b = a %}{{ b is defined }}{% endwith %}
{% filter upper %}abc{{ s }}{% endfilter %}{% filter replace('a','b')|trim %} aa {% endfilter %}
{% raw %}{{ not }} {% this %}{% endraw %}|{%- raw -%}  x  {%- endraw -%} y
{% if n == 5 %}a{% elif n %}b{% else %}c{% endif %}{% if not n %}a{% elif 0 %}b{% else %}c{% endif %}
  {% if t %}
    x
  {% endif %}
 y
{%- if t -%}
    x
{%- endif -%}
 y
{%+ if t %}a{% endif +%}
b
{# c #}
d {# e #}
{#- f -#} g
  {{ n }}  
  {{- n -}}  x
{% generation %}abc
{% endgeneration %}x{% generation %}{% set zz = 1 %}{% endgeneration %}{{ zz is defined }}
{{ range(5)|list }}{{ range(1,10,3)|list }}{{ range(5,0,-2)|list }}{{ range(3)|length }}{{ 2 in range(3) }}{{ 2.0 in range(3) }}
{{ dict(a=1, b=2) }}{{ dict([('x',1)]) }}{{ dict({'q':1}, r=2) }}
{{ namespace(a=1).a }}{{ namespace({'b':2}).b }}{{ namespace().c is defined }}{{ namespace(_a=1) }}
{% set ns = namespace() %}{% set ns._x = 1 %}
{{ ms|map(attribute='role')|list }}{{ ms|map(attribute='k', default='D')|list }}{{ ms|map(attribute='content')|map('length')|list }}{{ ms|map(attribute='zz')|list }}
{{ ms|selectattr('role','equalto','user')|list|length }}{{ ms|rejectattr('k','defined')|list|length }}{{ ms|selectattr('content')|map(attribute='n')|list }}{{ ms|selectattr('role','in',['user'])|list }}{{ ms|selectattr('n','ge',2)|map(attribute='n')|join(',') }}
{{ ms|sort(attribute='n')|map(attribute='n')|list }}{{ ms|sort(attribute='role,n')|map(attribute='n')|list }}{{ ms|groupby('role')|list|length }}{% for g, i in ms|groupby('role') %}{{ g }}:{{ i|length }};{% endfor %}{% for g in ms|groupby('n') %}{{ g.grouper }}{{ g.list|length }}{% endfor %}
{{ ms|max(attribute='n') }}{{ ms|min(attribute='n') }}{{ ms|sum(attribute='n') }}{{ l|sum(start=10) }}{{ ['b','A','c']|sort }}{{ ['b','A','B','a']|unique|list }}{{ ['b','A']|max }}
{{ d.items }}
{{ d['items'] }}{{ d.b }}{{ d['b'] }}{{ d.get('zz') }}{{ d.get('zz', 5) }}{{ d.get('a', 5) }}{{ d.keys()|list }}{{ d.values()|list }}{{ d.items()|list }}{{ d.copy() == d }}{{ d.nope }}{{ d.c.x }}{{ d.c.z.q is defined }}
{{ d.update({'q': 1}) }}
{{ l.append(1) }}
{{ l.index(2) }}{{ l.count(1) }}{{ l.copy() }}{{ l.nope }}{{ l.append is defined }}
{{ s.__class__ }}
{{ s.__class__ is defined }}{{ d.__foo }}{{ d._x }}
{{ nope.x }}
{{ nope.x is defined }}
{{ nope['x'] }}
{{ nope() }}
{{ nope + 1 }}
{{ nope|length }}{{ nope|list }}{{ nope == nope2 }}{{ nope is undefined }}{{ [nope] }}{{ nope|upper }}{{ nope ~ 'x' }}{{ 'x' in nope }}
{{ nope < 1 }}
{{ nope|tojson }}
{{ none.x }}{{ none['x'] }}{{ n.x }}{{ no|length }}
{{ none + 'a' }}
{{ s + 1 }}
{{ s() }}
{{ raise_exception('only ' ~ n) }}
{{ raise_exception() }}
{{ cycler('a') }}
{{ lipsum() }}
{{ x|nofilter }}
{% if f %}{{ x|nofilter }}{% endif %}ok
{% if t %}{{ x|nofilter }}{% endif %}
{% if f %}{% for a in l %}{{ x|nofilter }}{% endfor %}{% endif %}
{{ x is notest }}
{{ 1 if t else x|nofilter }}
{% for %}
{% endfor %}
{% if t %}
{{ }}
{{ 1 2 }}
{{ [1 2] }}
{{ 'a }}
{{ a.b.1 }}{{ ll.0.1 }}{{ l[0][0] }}
{% bad %}
{% break %}
{% set true = 1 %}
{% set loop = 1 %}{{ loop }}
{% for loop in l %}{% endfor %}
{% block a %}x{% endblock %}
{% include 'x' %}
{% extends 'x' %}
{% import 'x' as y %}
{% autoescape true %}{{ '<' }}{% endautoescape %}
{% print n, s %}{% print n %}
{% if t: %}x{% endif %}{% for i in l: %}{{ i }}{% endfor %}
{{ strftime_now('%d %b %Y') }}{{ strftime_now('%Y-%m-%d %H:%M:%S %p %I %j %y %A %a %B %U %W %w %u %e %D %F %T %R %G %V %g %C %h %n %t %% %-d %-m %_d %^a %#Z|%z|%Z|%c|%x|%X|%k|%l|%P|%r') }}
{% for m in ms %}{% if loop.first and m.role != 'user' %}a{% endif %}{% if not loop.last %}{{ loop.nextitem.role }}{% endif %}{% endfor %}
{% for x in l|map('string') %}{{ loop.length }}{{ loop.revindex }}{{ loop.last }}{{ x }}{% endfor %}{% set g = l|map('string') %}{{ g|list }}{{ g|list }}{{ g|first is defined }}
{{ l|map('string') }}
{{ 'y' if l|select('gt', 99) else 'n' }}{{ l|select('gt',99)|length }}
{{ l|select('gt', 99)|list|length }}{{ (l|select('gt',1)|list)[0] }}{{ l|first }}{{ []|first }}{{ []|last }}{{ ''|first }}{{ l|batch(2)|first }}
{{ t + t }}{{ t == 1 }}{{ {1: 'a', true: 'b', 1.0: 'c'} }}{{ {(1,2): 3}[(1,2)] }}{{ 1 == 1.0 }}{{ '1' == 1 }}{{ [1] == (1,) }}{{ [1,[2]] == [1.0,[2]] }}{{ {'a':1} == {'a':true} }}{{ nope == none }}
{{ 'a' < 'b' }}{{ 'B' < 'a' }}{{ [1,2] < [1,3] }}{{ (1,) < (1,0) }}{{ '😀' > '\uffee' }}{{ 1 < 1.5 }}
{{ {[]: 1} }}
{{ 1/0 }}
{{ n.real }}
{{ s.nope }}{{ s['nope'] }}{{ s.0 }}{{ s[100] }}
{{ l[nope] }}{{ d[nope] }}{{ d[none] }}{{ d[l] }}
{{ l[1:'a'] }}
{{ none[1:] }}
{{ nope[1:] }}
{{ {'a':1}[1:] }}
{{ s|replace('l','L',1) }}{{ s|truncate(3, end='') }}{{ title|title }}{{ s|center(20) }}{{ ' a '|trim }}{{ 'aab'|trim('a') }}{{ s|wordcount }}
{{ '42abc'|int }}{{ '0x1f'|int(base=16) }}{{ '12.9'|int }}{{ 'abc'|int(5) }}{{ ' 7 '|int }}{{ '1_000'|int }}{{ 3.99|int }}{{ true|int }}{{ '1e3'|float }}{{ 'nan'|float }}{{ '-inf'|float }}{{ none|int }}{{ none|float }}{{ ''|int }}
{{ 2.5|round }}{{ 3.5|round }}{{ 0.125|round(2) }}{{ 2.675|round(2) }}{{ 1234.5|round(-2) }}{{ 1e22|round(2) }}{{ -0.4|round }}{{ 5|round(2) }}{{ 15|round(-1) }}{{ 25|round(-1) }}
{{ 1.0 }}{{ 100.0 }}{{ 1e100 }}{{ -0.0 }}{{ 1e-4 }}{{ 1e-5 }}{{ 123456.789e3 }}{{ 2**53 }}
{{ 2**64 }}
{{ 9007199254740993 }}
{{ d|tojson(indent=0) }}{{ ms|tojson(indent=4) }}{{ q|tojson }}{{ [1.0, 2, true, none, 'é'] |tojson }}{{ {'b':1,'a':[{}, []]}|tojson(indent=1, sort_keys=true) }}{{ {1:2, none:3, true:4, 1.5:5}|tojson }}{{ '</script>&\u2028'|tojson }}{{ d|tojson(separators=(',', ': ')) }}{{ (1,2)|tojson }}{{ d|tojson(none, '\t') }}{{ d|tojson(indent='--') }}
{{ {(1,):2}|tojson }}
{{ namespace()|tojson }}
{{ d|items|list }}{{ nope|items|list }}{{ d.items()|sort }}{{ d|dictsort }}{{ d|list }}{{ d|first }}{{ d|length }}
{{ 'x'|default(1) }}{{ nope|default }}{{ nope|default(nope2)|default('z') }}{{ ''|default('q', true) }}{{ none|default('q') }}{{ false|d('q',boolean=true) }}
{{ "a\\nb" }}{{ 'tab\there' }}
{{ [1, 'a', none, true, 1.5, (1,), {'k': 'v'}, "q'", 'q"', 'q\\'"', 'é', '\u200b', '\\n'] }}
{{ msg }}{{ messages }}{{ tools }}{{ documents }}{{ add_generation_prompt }}{{ bos_token }}
{% for i in range(3) %}{{ keyword }}{% set keyword = 1 %}{% endfor %}
{% for i in range(3) %}{% set keyword = i %}{{ keyword }}{% endfor %}{{ keyword }}
{% for i in range(2) %}{{ date }}{% endfor %}{% set date = 1 %}{{ date }}
{% for i in range(2) %}{% if i %}{{ date }}{% endif %}{% endfor %}{% if n %}{% set date = 1 %}{% endif %}{{ date }}
{% if f %}{% set date = 1 %}{% elif f %}{% set date = 2 %}{% else %}{% for i in [1] %}{{ date }}{% endfor %}{% set date = 3 %}{% endif %}{{ date }}
{% macro mm() %}{{ date }}{% set date = 1 %}{{ date }}{% endmacro %}{{ mm() }}{{ date }}
{% macro mm() %}{% set date = 1 %}{{ date }}{% endmacro %}{{ mm() }}{{ date }}
{% set range = 5 %}{{ range }}
{{ loop is defined }}{% for x in [1] %}{% for y in [1,2] %}{{ loop.length }}{% endfor %}{{ loop.length }}{% endfor %}
{% for x in l %}{% set o = loop %}{% for y in l %}{{ o.index }}{% endfor %}{% endfor %}
{% for x in 'ab' %}{% if loop.previtem is defined %}{{ loop.previtem }}{% endif %}{{ x in 'a' }}{% endfor %}
{{ not none }}{{ not nope }}{{ n and s }}{{ z or e or 'last' }}{{ f and nope.x }}{{ t or nope.x }}
{{ -n }}{{ +n }}{{ -t }}{{ - 2.5 }}
{{ -s }}
{{ n is divisibleby(5) and n is odd }}{{ n is not none and n is number }}{{ s is string and not s is mapping }}{{ n in [1,5] and 'a' not in s }}
{{ n is defined is true }}
{{ n is in [1,5] }}{{ n is not in [1] }}{{ n is sameas n }}{{ none is sameas none }}
{{ s is sameas s }}
{{ (s|length + 1) * 2 }}{{ s|length + 1 }}{{ s|upper ~ '!' }}{{ [1,2]|length == 2 }}{{ 'a,b'.split(',')|last }}{{ ms[0].content|upper|lower|length }}{{ ms[-1]['role'].lower() }}
{{ "%.2f"|format(3.14159) }}{{ "%d%%" % 5 }}{{ "%s" % none }}{{ "%s" % [1] }}{{ "%s" % true }}{{ "%r" % 'a' }}
{{ (1,2)+(3,) }}{{ [1]+[2] }}{{ [0]*3 }}{{ 'ab'*2 }}{{ 2*'ab' }}{{ 'ab'*-1 }}{{ (1,)*2 }}{{ l + (1,) }}
{{ '' ~ none ~ true ~ 1.0 ~ [1] ~ nope }}
{{ namespace(l=[]) }}{{ namespace }}
{{ m.x if m is defined else 'nom' }}{{ ''.join(['a','b']) }}{{ ', '.join(ms|map(attribute='role')) }}{{ '-'.join(l|map('string')) }}{{ ','.join(l) }}
{{ {'a': 1, **d} }}
{{ dict(**d) }}{% macro k(**kw) %}{% endmacro %}
{{ m(*l) }}
{% macro m(a,b,c) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(*l) }}{{ m(1, *[2,3]) }}{{ m(**{'a':1,'b':2,'c':3}) }}{{ m(1, b=2, **{'c': 3}) }}
{% macro m(a, b) %}{% endmacro %}{{ m(1, a=2) }}
{% macro m(a=1, b) %}{% endmacro %}
{% set x = [] %}{% set _ = x.append(1) %}{{ x }}
{% do l %}
{{ ''.strip.__call__() }}
{{ s.upper }}
{{ s.upper is callable }}{{ d.items is callable }}{{ range is callable }}{{ nope is callable }}
{{ true }}{{ True }}{{ false }}{{ none }}{{ None }}{{ [True, None] }}
{{ '\u00e9'.upper() }}{{ 'straße'.upper() }}{{ 'ÀÉ'.lower() }}{{ 'ΑΣ'.lower() }}
{{ x.y if x is defined and x.y else 'none' }}{{ (ms|last).role }}{{ (ms|first)['content'] }}
{{ "'" }}{{ '"' }}{{ '{{' }}{{ '%}' }}{{ "}}" }}
{{ {'a': {'b': [1, {'c': 2}]}}.a.b[1].c }}{{ [[1,2],[3]][0][1] }}{{ {'a':{}}}}
{%- for x in l -%}  {{ x }}  {%- endfor %}
{{'a'}}{%if t%}b{%endif%}{{-'c'-}} d
{{ ms|map('dictsort')|list|length }}{{ ll|map('first')|list }}{{ ll|map('last')|join }}{{ ll|map('join','-')|list }}{{ ['a','b']|map('replace','a','c')|list }}{{ l|map('abc')|list }}
{{ l|select('abc')|list }}
{{ l|select('divisibleby',2)|list }}{{ ms|map('attr','role')|list }}
{{ ms|selectattr('role')|list|length }}{{ ms|selectattr('d.x')|list|length }}{{ [d]|map(attribute='c.x')|list }}{{ ll|map(attribute=1)|list }}{{ ll|map(attribute='1')|list }}
{{ ms|selectattr()|list }}
{{ s|length is eq 11 }}{{ n is gt 3 }}{{ n is lessthan(9) }}{{ n is ge(5) and n is le(5) }}
{% for a in ms|rejectattr('role','equalto','user') %}{{ a.role }}{% endfor %}{% for a in d|dictsort(true) %}{{ a[0] }}{% endfor %}
{{ s[::-1] }}{{ em[1] }}{{ em|length }}{{ em[::-1] }}{{ em[-2:] }}{{ em.find('b') }}{{ em.index('c') }}{{ em|list }}{{ em|reverse }}{{ em|first }}{{ em|last }}
{{ 'abc'|batch(2)|list }}{{ l|slice(2)|list }}{{ range(7)|slice(3)|list }}{{ range(7)|slice(3,'x')|list }}
{{ lines|indent }}{{ lines|indent(2, true, true) }}{{ ''|indent }}{{ 'a'|indent(first=true) }}
{{ 5 | string + 'a' }}{{ 5|string|length }}{{ [1,2]|string }}{{ none|string }}
{{ 'a b&c/d?é~!\\'()*'|urlencode }}{{ 5|urlencode }}
{{ d|urlencode }}
{{ "line1
line2" }}{{ 'a\\
b' }}
{{ x.__init__.__globals__ }}
{{ ''.__class__.__mro__ }}
{{ '{0.__class__}'.format(1) }}
{{ range(100001)|length }}
{{ '%s' % ('a',) }}{{ '%s %s' % ('a',) }}
{{ '%d' % 'a' }}
{{ '%d' % 3.7 }}{{ '%x' % 255 }}
{{ '%x' % 2.5 }}
{{ 'é'.encode() }}
{{ now() }}
{{ self }}
{{ caller }}
{{ varargs }}
{{ loop }}
{{ ns.x.y }}
{{ [] is sequence }}{{ 'a' is sequence }}{{ {} is sequence }}{{ 1 is sequence }}{{ range(1) is sequence }}{{ d.items() is sequence }}{{ d.items() is iterable }}{{ (l|map('string')) is iterable }}{{ (l|map('string')) is sequence }}{{ nope is sequence }}
{{ 5 is filter }}{{ 'upper' is filter }}{{ 'odd' is test }}
{{ l|random }}
{{ l|pprint }}
{{ '<b>'|striptags }}
{{ 'x'|xmlattr }}
{{ 'x'|urlize }}
{{ 1000|filesizeformat }}
{{ s|wordwrap(3) }}
{{ d|attr('b') }}
{{ s.translate({}) }}
{{ s.expandtabs() }}'''.split('\n')
multi=['  {% if t %}\n    x\n  {% endif %}\n y\n','{%- if t -%}\n    x\n{%- endif -%}\n y\n\n','a\n  {%+ if t %}a{% endif +%}\nb','{# c #}\nd {# e #}\n{#- f -#} g\n','  {{ n }}  \n  {{- n -}}  x','{% generation %}abc\n{% endgeneration %}\nx','{{ "line1\nline2" }}{{ \'a\\\nb\' }}','a\r\n{% if t %}\r\nb\r\n{% endif %}\rc\r\n','{% if t %}\n\n\nx{% endif %}\n\n','x\n\n','\n','','   {% set a = 1 %}   \n  {{ a }}','\t\x0b {% if t %}x{% endif %}','a {% if t %}\nb{% endif %}','{% raw %}\n {{ a }}\n{% endraw %}\nb','  {% raw %} x {% endraw %}  \n','{%- raw %} \n x {% endraw -%} \n z','{# a\n b #}x{#b#}\n\ny','  {# a #}  x\n  {# b #}\n','\u2028  {% if t %}x{% endif %}\u2028 y','{{ 1 -}}\n\n  x {{- 2 }}','{%- set x = "a%}\nb" -%}{{ x }}','{{ "{#" }}{{ "#}\nx" }}','{% set x = "\n{%- y" %}{{ x }}','{ {-} -}\n #}\n %}\n','{{ n }}\n{{ n }}\n\n','{% for x in l %}\n  {{ x }}\n{% endfor %}\n','{% for x in l -%}\n  {{ x }}\n{%- endfor %}\nend\n']
L+=multi
SMALL = list(dict.fromkeys(PROBES))
PROBES = list(dict.fromkeys(L)) + SMALL[::STEP]


def main():
    parser = arguments(__doc__)
    parser.add_argument("out", type=out_folder)
    parser.add_argument("--all", action="store_true", help="keep all combinations")
    given = parser.parse_args()
    probes = list(dict.fromkeys(L + SMALL)) if given.all else PROBES
    case = {"messages": [{"role": "user", "content": "Hi"}], "variables": VARIABLES}
    made = [[probe, render(probe, case)] for probe in probes]
    write_json(given.out / "jinja.json", {"variables": VARIABLES, "probes": [one for one in made if " at 0x" not in (one[1] or "")]})
    print(len(made), sum(text is not None for _, text in made), "rendered")


if __name__ == "__main__":
    main()

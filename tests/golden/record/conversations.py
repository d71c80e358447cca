"""Conversations that chat templates are rendered with."""
from json import dumps

U=lambda c,**k:dict(role='user',content=c,**k)
A=lambda c,**k:dict(role='assistant',content=c,**k)
S=lambda c:dict(role='system',content=c)
W={"type":"function","function":{"name":"get_weather","description":"Weather of a city: <b>\"now\"</b> & é 😀","parameters":{"type":"object","properties":{"city":{"type":"string","description":"City's name"},"days":{"type":"integer","description":"how many","default":1},"unit":{"type":"string","enum":["celsius","fahrenheit"]},"opts":{"type":["object","null"],"properties":{"x":{"type":"array","items":{"type":"number"}}}}},"required":["city"]}}}
T2={"type":"function","function":{"name":"send","description":"Send\n a mail","parameters":{"type":"object","properties":{"to":{"type":"array","items":{"type":"string"}},"urgent":{"type":"boolean","default":False},"w":{"type":"number","default":0.5}},"required":[]},"strict":True}}
T3={"name":"bare","description":"no wrapper","parameters":{"type":"object","properties":{}}}
call=lambda i,n,a:dict(id=i,type='function',function=dict(name=n,arguments=a))
DOC=[dict(title="A & B",text="Some <text> 'quoted'"),dict(doc_id=2,title="Second",text="Línea\nzwei 😀",contents="x")]
argd={"city":"Zürich","days":3,"ok":True,"none":None,"f":1.25,"l":[1,2.5,"a'b"]}
CONVERSATIONS = []
def c(name,messages,**k): CONVERSATIONS.append(dict(name=name,messages=messages,**k))
c('user',[U('Hi')])
c('system',[S('Be brief.'),U('Hi')])
c('turns',[U('Hi'),A('Hello!'),U('And?')])
c('system-turns',[S('Be brief.'),U('Hi'),A('Hello!'),U('And?'),A('No.'),U('Why?')])
c('no-prompt',[S('Be brief.'),U('Hi'),A('Hello!')],add_generation_prompt=False)
c('ends-assistant',[U('Hi'),A('Hello!')],add_generation_prompt=True)
c('continue',[S('Be brief.'),U('Hi'),A('Hello, I  ')],add_generation_prompt=False,continue_final_message=True)
c('empty-system',[S(''),U('Hi')])
c('odd',[S('  spaced\t\n'),U('\n  É😀𝔘 "q" \'a\' <|im_end|> {{ x }} {% y %}\r\n  '),A('\u00a0 nbsp \u2028 x \ufeff\n\n'),U('\x1f\x85end\x0b')])
c('tools',[U('Rain?')],tools=[W,T2])
c('tools-system',[S('You help.'),U('Rain?')],tools=[W])
c('tool-calls',[U('Rain?'),A('',tool_calls=[call('abc123def','get_weather',argd)]),dict(role='tool',name='get_weather',tool_call_id='abc123def',content='{"rain": true}'),A('It rains.'),U('Ok')],tools=[W,T2])
c('tool-calls-text',[S('s'),U('Rain?'),A('Let me look.',tool_calls=[call('abc123def','get_weather',dumps(argd)),call('abc123deg','send','{"to": ["a"]}')]),dict(role='tool',name='get_weather',tool_call_id='abc123def',content='no'),dict(role='tool',name='send',tool_call_id='abc123deg',content='sent')],tools=[W,T2])
c('tool-calls-none',[U('Rain?'),dict(role='assistant',content=None,tool_calls=[call('abc123def','get_weather',{"city":"x"})]),dict(role='tool',tool_call_id='abc123def',content='no',name='get_weather')],tools=[W])
c('bare-tool',[U('x')],tools=[T3,W])
c('reasoning',[U('2+2?'),A('4',reasoning_content='simple: 2 and 2'),U('3+3?')])
c('think-tags',[U('2+2?'),A('<think>\nhm\n</think>\n\n    4\n'),U('3+3?'),A('<think>\n\n</think>\n\n6'),U('x')])
c('documents',[S('Use them.'),U('What?')],documents=DOC)
c('parts',[U([dict(type='text',text='one '),dict(type='text',text='two')]),A([dict(type='text',text='ok')]),U([dict(type='text',text='three')])])
c('image',[U([dict(type='image'),dict(type='text',text='see')])])
c('strange-roles',[dict(role='developer',content='Be.'),U('Hi'),dict(role='narrator',content='Then.'),U('x')])
c('vars',[S('s'),U('Hi')],variables=dict(enable_thinking=False,thinking=True,reasoning_effort='high',builtin_tools=['python'],date_string='1 Jan 2025',custom_tools=None,tools_in_user_message=False))
c('vars2',[U('Hi'),A('a',reasoning_content='r'),U('b')],variables=dict(enable_thinking=True,add_thoughts=True,keep_past_thinking=True,documents_x=[1]),documents=DOC,tools=[W])
c('user-user',[U('a'),U('b')])
c('continue-reasoning',[U('Hi'),A('x',reasoning_content='because ')],add_generation_prompt=False,continue_final_message='reasoning_content')
c('name',[U('Hi',name='Ann'),A('x',name='bot',refusal=None),U('y',weight=1)])
